"""What a Python program does with Anthropic's official client: one function for each thing, run by name.

ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY come by the environment, as the client reads them itself; MODEL is ours.
"""

import asyncio
import os
import sys

import anthropic
from anthropic import Anthropic, AsyncAnthropic

from waits import Waits

MODEL = os.environ["MODEL"]
ASK = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "Hello!"}]}


def words(text):
    assert text and any(letter.isalpha() for letter in text), f"no words: {text!r}"
    return text


def client():
    return Anthropic(max_retries=0, timeout=30)


def chat():
    message = client().messages.create(**ASK)
    words(message.content[0].text)
    assert message.stop_reason == "end_turn" and message.model == MODEL, message
    assert message.usage.output_tokens > 0, message.usage


def stream():
    # This client names no temperature any more; the wire has one.
    greedy = {**ASK, "extra_body": {"temperature": 0}}
    whole = client().messages.create(**greedy)
    with client().messages.stream(**greedy) as events:
        text = "".join(events.text_stream)
        final = events.get_final_message()
    assert text == whole.content[0].text == final.content[0].text, (text, whole, final)
    assert final.usage.output_tokens == whole.usage.output_tokens, (final.usage, whole.usage)


def count():
    few = client().messages.count_tokens(model=MODEL, messages=ASK["messages"]).input_tokens
    many = client().messages.count_tokens(
        model=MODEL, messages=[{"role": "user", "content": "Hello! " * 100}]
    ).input_tokens
    assert 0 < few < many, (few, many)


def models():
    assert [model.id for model in client().models.list()] == [MODEL]
    assert client().models.retrieve(MODEL).display_name == MODEL


def refusals():
    for error, kind, by, asked in (
        (anthropic.NotFoundError, "not_found_error", client(), {**ASK, "model": "nobody"}),
        (anthropic.BadRequestError, "invalid_request_error", client(), {**ASK, "messages": "Hello!"}),
        (anthropic.AuthenticationError, "authentication_error", Anthropic(api_key="no", max_retries=0), ASK),
    ):
        try:
            by.messages.create(**asked)
        except error as refused:
            assert refused.body["error"]["type"] == kind and refused.request_id, refused.body
        else:
            raise AssertionError(f"accepted: {asked}")


def asynchronous():
    async def main():
        async with AsyncAnthropic(max_retries=0) as each:
            words((await each.messages.create(**ASK)).content[0].text)
            async with each.messages.stream(**ASK) as events:
                words("".join([text async for text in events.text_stream]))

    asyncio.run(main())


def waits():
    seen = Waits()
    asked = Anthropic(http_client=anthropic.DefaultHttpxClient(event_hooks=seen.hooks))
    for _ in range(2):
        words(asked.messages.create(**ASK).content[0].text)
    seen.expect_obeyed()


def gives_up():
    seen = Waits()
    try:
        Anthropic(http_client=anthropic.DefaultHttpxClient(event_hooks=seen.hooks)).messages.create(**ASK)
    except anthropic.RateLimitError:
        seen.expect_one_refusal()
    else:
        raise AssertionError("more than the limit was accepted")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
