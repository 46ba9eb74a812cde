"""What each attempt of a client came to, and how long the client waited in between."""

import time


class Waits:
    def __init__(self):
        self.statuses, self.told, self.answered_at, self.sent_at, self.should_retry = [], [], [], [], []
        self.hooks = {"request": [self.sent], "response": [self.answered]}

    def sent(self, _):
        self.sent_at.append(time.monotonic())

    def answered(self, response):
        self.answered_at.append(time.monotonic())
        self.statuses.append(response.status_code)
        self.told.append(int(response.headers.get("retry-after-ms", 0)))
        self.should_retry.append(response.headers.get("x-should-retry"))

    def expect_obeyed(self):
        """A second request was refused once, and answered after the wait that its refusal told, in milliseconds."""
        assert self.statuses == [200, 429, 200], self.statuses
        told = self.told[1]
        # A client that did not read it would come back after half a second.
        assert 1500 < told <= 2500, told
        waited = (self.sent_at[2] - self.answered_at[1]) * 1000
        assert told - 20 <= waited < told + 1000, (waited, told)
        print(f"told {told} ms, waited {waited:.0f} ms")

    def expect_one_refusal(self):
        assert self.statuses == [429] and self.should_retry == ["false"], (self.statuses, self.should_retry)
