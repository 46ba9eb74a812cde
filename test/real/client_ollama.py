"""What a Python program does with Ollama's official client: one function for each thing, run by name.

BASE_URL, API_KEY and MODEL come by the environment.
"""

import asyncio
import os
import sys

import ollama

MODEL = os.environ["MODEL"]
HELLO = [{"role": "user", "content": "Hello!"}]
GREEDY = {"temperature": 0}


def words(text):
    assert text and any(letter.isalpha() for letter in text), f"no words: {text!r}"
    return text


def connection(key=os.environ["API_KEY"]):
    return {"host": os.environ["BASE_URL"] + "/ollama", "headers": {"authorization": f"Bearer {key}"}}


def client():
    return ollama.Client(**connection())


def chat():
    reply = client().chat(model=MODEL, messages=HELLO)
    words(reply.message.content)
    assert reply.done and reply.done_reason == "stop" and reply.eval_count > 0, reply


def stream():
    whole = client().chat(model=MODEL, messages=HELLO, options=GREEDY)
    parts = list(client().chat(model=MODEL, messages=HELLO, options=GREEDY, stream=True))
    assert "".join(part.message.content for part in parts) == whole.message.content, (parts, whole)
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True], parts


def generate():
    whole = words(client().generate(model=MODEL, prompt="Hello!", options=GREEDY).response)
    parts = client().generate(model=MODEL, prompt="Hello!", options=GREEDY, stream=True)
    assert "".join(part.response for part in parts) == whole, whole


def embeddings():
    one, two = client().embed(model=MODEL, input=["one", "two"]).embeddings
    assert len(one) == len(two) > 1 and one != two, "not two vectors"


def models():
    for listed in (client().list(), client().ps()):
        assert [model.model for model in listed.models] == [MODEL], listed
    assert "completion" in client().show(MODEL).capabilities


def refusals():
    for by, model, status in ((client(), "nobody", 404), (ollama.Client(**connection("wrong")), MODEL, 401)):
        for streamed in (False, True):
            try:
                reply = by.chat(model=model, messages=HELLO, stream=streamed)
                list(reply)
            except ollama.ResponseError as refused:
                assert refused.status_code == status and refused.error, refused
            else:
                raise AssertionError(f"accepted: {model}")


def asynchronous():
    async def main():
        by = ollama.AsyncClient(**connection())
        words((await by.chat(model=MODEL, messages=HELLO)).message.content)
        words("".join([part.message.content async for part in await by.chat(model=MODEL, messages=HELLO, stream=True)]))

    asyncio.run(main())


if __name__ == "__main__":
    globals()[sys.argv[1]]()
