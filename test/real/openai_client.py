"""What a Python program does with the official client: one function for each thing, run by name.

OPENAI_BASE_URL and OPENAI_API_KEY come by the environment, as the client reads them itself; MODEL is ours.
"""

import asyncio
import os
import sys

import openai
from openai import AsyncOpenAI, OpenAI

MODEL = os.environ["MODEL"]
HELLO = [{"role": "user", "content": "Hello!"}]


def words(text):
    assert text and any(letter.isalpha() for letter in text), f"no words: {text!r}"
    return text


def client():
    return OpenAI(max_retries=0, timeout=30)


def first_call():
    reply = OpenAI(
        base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"]
    ).chat.completions.create(model=MODEL, messages=HELLO)
    words(reply.choices[0].message.content)


def chat():
    reply = client().chat.completions.create(model=MODEL, messages=HELLO, temperature=0)
    words(reply.choices[0].message.content)
    assert reply.object == "chat.completion" and reply.model == MODEL, reply
    assert reply.choices[0].finish_reason == "stop", reply
    usage = reply.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0, usage


def stream():
    whole = client().chat.completions.create(model=MODEL, messages=HELLO, temperature=0)
    text, finish = "", None
    for chunk in client().chat.completions.create(model=MODEL, messages=HELLO, temperature=0, stream=True):
        assert chunk.usage is None, chunk
        text += chunk.choices[0].delta.content or ""
        finish = chunk.choices[0].finish_reason or finish
    assert text == whole.choices[0].message.content, (text, whole)
    assert finish == "stop", finish


def stream_with_usage():
    chunks = list(
        client().chat.completions.create(
            model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0, chunks[-1]
    assert all(chunk.usage is None for chunk in chunks[:-1]), "usage before the last chunk"


def stream_helper():
    with client().chat.completions.stream(model=MODEL, messages=HELLO) as events:
        kinds = [event.type for event in events]
        final = events.get_final_completion()
    assert "content.delta" in kinds and kinds[-1] in ("content.done", "chunk"), kinds
    words(final.choices[0].message.content)


def raw_response():
    raw = client().chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert raw.status_code == 200 and raw.request_id, dict(raw.headers)
    words(raw.parse().choices[0].message.content)


def completions():
    reply = client().completions.create(model=MODEL, prompt="The train", max_tokens=12)
    words(reply.choices[0].text)
    streamed = client().completions.create(model=MODEL, prompt="The train", max_tokens=12, stream=True)
    words("".join(chunk.choices[0].text for chunk in streamed))


def embeddings():
    def vectors(**asked):
        reply = client().embeddings.create(model=MODEL, input=["one", "two"], **asked)
        assert [item.index for item in reply.data] == [0, 1], reply
        assert reply.usage.prompt_tokens > 0, reply.usage
        return [item.embedding for item in reply.data]

    # Without `encoding_format` this client asks for base64 and decodes it itself.
    decoded, numbers, encoded = vectors(), vectors(encoding_format="float"), vectors(encoding_format="base64")
    assert len(decoded[0]) == len(numbers[0]) > 1 and numbers[0] != numbers[1], "not two vectors"
    for ours, theirs in zip(decoded[0] + decoded[1], numbers[0] + numbers[1]):
        assert abs(ours - theirs) < 1e-5, (ours, theirs)
    assert all(isinstance(each, str) for each in encoded), "not base64"


def models():
    listed = client().models.list()
    assert [model.id for model in listed] == [MODEL], listed
    assert client().models.retrieve(MODEL).id == MODEL


def wrong_key():
    for call in (
        lambda wrong: wrong.chat.completions.create(model=MODEL, messages=HELLO),
        lambda wrong: list(wrong.chat.completions.create(model=MODEL, messages=HELLO, stream=True)),
        lambda wrong: wrong.models.list(),
    ):
        try:
            call(OpenAI(api_key="sk-wrong", max_retries=0))
        except openai.AuthenticationError as refused:
            assert refused.status_code == 401 and refused.code == "invalid_api_key", refused.body
        else:
            raise AssertionError("a wrong key was accepted")


def refusals():
    for error, asked in (
        (openai.NotFoundError, {"model": "nobody", "messages": HELLO}),
        (openai.BadRequestError, {"model": MODEL, "messages": "hello"}),
        (openai.BadRequestError, {"model": MODEL, "messages": HELLO, "max_tokens": -1}),
    ):
        try:
            client().chat.completions.create(**asked)
        except error as refused:
            assert refused.message, refused
        else:
            raise AssertionError(f"accepted: {asked}")


def closed_stream():
    reply = client().chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    next(iter(reply))
    reply.close()
    chat()


def asynchronous():
    async def main():
        async with AsyncOpenAI(max_retries=0) as each:
            reply = await each.chat.completions.create(model=MODEL, messages=HELLO)
            words(reply.choices[0].message.content)
            text = ""
            async for chunk in await each.chat.completions.create(model=MODEL, messages=HELLO, stream=True):
                text += chunk.choices[0].delta.content or ""
            words(text)

    asyncio.run(main())


def concurrent():
    async def main():
        async with AsyncOpenAI(max_retries=0) as each:
            return await asyncio.gather(
                *(
                    each.chat.completions.create(model=MODEL, messages=HELLO, temperature=0, max_tokens=24)
                    for _ in range(20)
                )
            )

    replies = asyncio.run(main())
    texts = {words(reply.choices[0].message.content) for reply in replies}
    assert len(replies) == 20 and len({reply.id for reply in replies}) == 20, replies
    assert len(texts) == 1, texts


if __name__ == "__main__":
    globals()[sys.argv[1]]()
