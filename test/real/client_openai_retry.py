"""What OpenAI's official client for Python does after a refusal: one function for each thing, run by name.

OPENAI_BASE_URL and OPENAI_API_KEY come by the environment, as the client reads them itself; MODEL is ours.
"""

import os
import sys

import openai
from openai import OpenAI

from waits import Waits

MODEL = os.environ["MODEL"]


def ask(client):
    return client.responses.create(model=MODEL, input="Hello!", max_output_tokens=64)


def responses():
    reply = ask(OpenAI(max_retries=0))
    assert reply.status == "completed" and any(letter.isalpha() for letter in reply.output_text), reply
    with OpenAI(max_retries=0).responses.stream(model=MODEL, input="Hello!") as events:
        kinds = [event.type for event in events]
        final = events.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
    assert final.output_text and final.usage.output_tokens > 0, final


def waits():
    seen = Waits()
    client = OpenAI(http_client=openai.DefaultHttpxClient(event_hooks=seen.hooks))
    for _ in range(2):
        assert ask(client).output_text
    seen.expect_obeyed()


def gives_up():
    seen = Waits()
    try:
        ask(OpenAI(http_client=openai.DefaultHttpxClient(event_hooks=seen.hooks)))
    except openai.RateLimitError:
        seen.expect_one_refusal()
    else:
        raise AssertionError("more than the limit was accepted")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
