"""What a Python program does with Google's official client: one function for each thing, run by name.

BASE_URL, API_KEY and MODEL come by the environment.
"""

import asyncio
import os
import sys

from google import genai
from google.genai import errors

MODEL = os.environ["MODEL"]


def words(text):
    assert text and any(letter.isalpha() for letter in text), f"no words: {text!r}"
    return text


def client(key=os.environ["API_KEY"]):
    return genai.Client(api_key=key, http_options={"base_url": os.environ["BASE_URL"] + "/genai"})


def chat():
    by = client()
    reply = by.models.generate_content(model=MODEL, contents="Hello!")
    words(reply.text)
    usage = reply.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count > 0, usage
    turns = by.chats.create(model=MODEL)
    for said in ("Hello!", "And then?"):
        words(turns.send_message(said).text)


def stream():
    by = client()
    asked = {"model": MODEL, "contents": "Hello!", "config": {"temperature": 0}}
    whole = by.models.generate_content(**asked).text
    chunks = list(by.models.generate_content_stream(**asked))
    assert "".join(chunk.text or "" for chunk in chunks) == whole, (chunks, whole)
    assert chunks[-1].usage_metadata.candidates_token_count > 0, chunks[-1]


def count():
    by = client()
    few, many = (by.models.count_tokens(model=MODEL, contents=text).total_tokens for text in ("Hi", "Hi " * 100))
    assert 0 < few < many, (few, many)


def embeddings():
    by = client()
    one, two = by.models.embed_content(model=MODEL, contents=["one", "two"]).embeddings
    assert len(one.values) == len(two.values) > 1 and one.values != two.values, "not two vectors"


def models():
    by = client()
    assert [model.name for model in by.models.list()] == [f"models/{MODEL}"]
    assert by.models.get(model=MODEL).display_name == MODEL


def refusals():
    for by, model, code, status in (
        (client(), "nobody", 404, "NOT_FOUND"),
        (client("wrong"), MODEL, 401, "UNAUTHENTICATED"),
    ):
        for call in (
            lambda: by.models.generate_content(model=model, contents="Hello!"),
            lambda: list(by.models.generate_content_stream(model=model, contents="Hello!")),
            lambda: by.models.get(model=model),
        ):
            try:
                call()
            except errors.ClientError as refused:
                assert (refused.code, refused.status) == (code, status), refused
            else:
                raise AssertionError(f"accepted: {model}")


def asynchronous():
    async def main():
        by = client().aio
        words((await by.models.generate_content(model=MODEL, contents="Hello!")).text)
        text = ""
        async for chunk in await by.models.generate_content_stream(model=MODEL, contents="Hello!"):
            text += chunk.text or ""
        words(text)

    asyncio.run(main())


if __name__ == "__main__":
    globals()[sys.argv[1]]()
