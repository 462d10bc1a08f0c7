"""A request is tried again where that may help, within bounds, and no error tells what was sent."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from notify.sending import ATTEMPTS, DEADLINE_SECONDS, NotTold, Sender
from tests.fake_time import FakeTime

SECRET = "xoxb-not-a-real-token"
Answers = list[httpx.Response | Exception]


class Service:
    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.time, self.answers, self.asked = FakeTime(), list(answers), 0
        client = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.sender = Sender("Slack", client, self.time.clock, "see notify.slack", temporary=frozenset({"ratelimited"}))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert set(request.extensions["timeout"]) == {"connect", "read", "write", "pool"}, "every request is bounded"
        assert request.headers["Authorization"] == f"Bearer {SECRET}"
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self) -> int:
        headers = {"Authorization": f"Bearer {SECRET}"}
        return self.sender.send(httpx.Request("POST", "https://slack.com/api/x", json={"a": 1}, headers=headers)).status

    def fails(self) -> str:
        with pytest.raises(NotTold) as caught:
            self.send()
        assert SECRET not in str(caught.value)
        assert SECRET not in repr(caught.value)
        return str(caught.value)


@pytest.mark.parametrize(
    "first",
    [
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(429),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("hangs"),
        httpx.RemoteProtocolError("broken"),
    ],
)
def test_what_may_pass_by_itself_is_tried_again(first: httpx.Response | Exception) -> None:
    service = Service(first, httpx.Response(200, json={}))
    assert service.send() == 200
    assert service.time.slept == [0.5]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_what_would_be_refused_again_is_not_tried_again_and_its_mend_is_named(status: int) -> None:
    service = Service(httpx.Response(status, text=SECRET))
    assert service.fails() == f"Slack: it answers {status}; see notify.slack"
    assert service.asked == 1


def test_a_service_that_says_when_it_may_be_asked_again_is_asked_then() -> None:
    service = Service(httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200, json={}))
    assert service.send() == 200
    assert service.time.slept == [7.0]


def test_one_that_asks_for_more_time_than_there_is_is_not_waited_for() -> None:
    service = Service(httpx.Response(429, headers={"Retry-After": "3600"}))
    assert service.fails() == "Slack: it answers 429 (gave up after 0 s)"
    assert service.time.slept == []


def test_a_service_that_is_down_is_tried_a_few_times_and_from_then_on_once() -> None:
    service = Service(httpx.ConnectError(f"with {SECRET} in it"))
    assert service.fails() == "Slack: it cannot be reached (ConnectError) (gave up after 4 s)"
    assert service.asked == ATTEMPTS
    assert service.time.passed < DEADLINE_SECONDS
    service.fails()
    assert service.asked == ATTEMPTS + 1
    service.answers = [httpx.Response(200, json={})]
    assert service.send() == 200
    service.answers = [httpx.Response(500)]
    service.fails()
    assert service.asked == 2 * ATTEMPTS + 2


def test_an_illegal_character_in_a_header_is_not_shown() -> None:
    service = Service(httpx.LocalProtocolError(f"Illegal header value b'Bearer {SECRET}'"))
    assert "LocalProtocolError" in service.fails()


def test_an_answer_that_only_drips_or_never_ends_is_left_in_time() -> None:
    time = FakeTime()

    def drips() -> Iterator[bytes]:
        while True:
            time.seconds += 1
            yield b" "

    def floods() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    def sender(body: Iterator[bytes]) -> Sender:
        client = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=body)))
        return Sender("Slack", client, time.clock, "see notify.slack", attempts=1)

    with pytest.raises(NotTold, match="it gives no answer within 4 s"):
        sender(drips()).send(httpx.Request("GET", "https://slack.com/api/x"))
    assert sender(floods()).send(httpx.Request("GET", "https://slack.com/api/x")).body == {}
