"""What a Python program does with litellm as its client, by each provider that speaks one of our dialects.

BASE_URL, API_KEY and MODEL come by the environment.
"""

import asyncio
import os
import sys

import litellm

MODEL = os.environ["MODEL"]
BASE = os.environ["BASE_URL"]
HELLO = [{"role": "user", "content": "Hello!"}]
PROVIDERS = {
    "openai": "/openai/v1",
    "anthropic": "/anthropic",
    "gemini": "/genai/v1beta",
    "ollama_chat": "/ollama",
}


def asked(provider, model=MODEL, key=os.environ["API_KEY"]):
    base = BASE + PROVIDERS[provider]
    return {"model": f"{provider}/{model}", "api_base": base, "api_key": key, "messages": HELLO, "num_retries": 0}


def words(text):
    assert text and any(letter.isalpha() for letter in text), f"no words: {text!r}"
    return text


def chat():
    for provider in PROVIDERS:
        reply = litellm.completion(**asked(provider))
        words(reply.choices[0].message.content)
        assert reply.usage.completion_tokens > 0, (provider, reply.usage)


def stream():
    for provider in PROVIDERS:
        chunks = litellm.completion(**asked(provider), stream=True)
        words("".join(chunk.choices[0].delta.content or "" for chunk in chunks))


def embeddings():
    key = os.environ["API_KEY"]
    reply = litellm.embedding(model=f"openai/{MODEL}", input=["one", "two"], api_base=f"{BASE}/openai/v1", api_key=key)
    assert len(reply.data) == 2 and reply.usage.prompt_tokens > 0, reply.usage


def refusals():
    for provider in PROVIDERS:
        for error, wrong in ((litellm.NotFoundError, {"model": "nobody"}), (litellm.AuthenticationError, {"key": "no"})):
            # This provider of litellm has one class for every refusal.
            error = litellm.APIConnectionError if provider == "ollama_chat" else error
            try:
                litellm.completion(**asked(provider, **wrong))
            except error as refused:
                assert refused.message, refused
            else:
                raise AssertionError(f"accepted: {provider} {wrong}")


def asynchronous():
    async def main():
        for provider in PROVIDERS:
            words((await litellm.acompletion(**asked(provider))).choices[0].message.content)
            chunks = await litellm.acompletion(**asked(provider), stream=True)
            words("".join([chunk.choices[0].delta.content or "" async for chunk in chunks]))

    asyncio.run(main())


if __name__ == "__main__":
    globals()[sys.argv[1]]()
