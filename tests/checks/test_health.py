"""An answer of /health is right in every field, every time it is asked, or the release is not healthy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from checks.health import HealthCheck, judge_health
from checks.verdict import Kind, Verdict
from tests.fake_time import FakeTime, Told

URL = "https://staging-api.internal/health"
VERSION = "staging-abc1234"
NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
OKS = {"database": "ok", "cache": "ok", "message_queue": "ok"}
HEALTHY = {"status": "healthy", "version": VERSION, "timestamp": "2024-05-14T09:30:01.123456+00:00", "checks": OKS}


def judged(status_code: int = 200, **changes: Any) -> Verdict:
    body = {key: value for key, value in {**HEALTHY, **changes}.items() if value is not None}
    return judge_health(status_code, body, version=VERSION, now=NOW)


def test_a_right_answer_passes() -> None:
    assert judged().kind is Kind.PASS


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "unhealthy"}, "status is 'unhealthy', not 'healthy'"),
        ({"status": None}, "status is missing, not 'healthy'"),
        ({"version": "staging-0ld0ld0"}, f"version is 'staging-0ld0ld0', not the released '{VERSION}'"),
        ({"version": None}, "version is missing"),
        ({"checks": {**OKS, "database": "error"}}, "check database is 'error', not 'ok'"),
        ({"checks": {**OKS, "cache": "error"}}, "check cache is 'error', not 'ok'"),
        ({"checks": {**OKS, "message_queue": True}}, "check message_queue is True, not 'ok'"),
        ({"checks": {"database": "ok", "cache": "ok"}}, "check message_queue is missing, not 'ok'"),
        ({"checks": "ok"}, "check database is missing"),
        ({"checks": None}, "check cache is missing"),
        ({"checks": {**OKS, "disk": "error"}}, "check disk is 'error', not 'ok'"),
        ({"timestamp": None}, "timestamp is missing, not an ISO 8601 time in UTC"),
        ({"timestamp": 1715679000}, "timestamp is 1715679000, not an ISO 8601 time in UTC"),
        ({"timestamp": "yesterday"}, "timestamp is 'yesterday', not"),
        ({"timestamp": "2024-05-14T09:30:00"}, "not an ISO 8601 time in UTC"),
        ({"timestamp": "2024-05-14T11:30:00+02:00"}, "not an ISO 8601 time in UTC"),
        ({"timestamp": "2024-05-14T09:24:59Z"}, "is more than 0:05:00 away from now"),
        ({"timestamp": "2024-05-14T09:35:01Z"}, "is more than 0:05:00 away from now"),
        ({"status_code": 503}, "HTTP status is 503, not 200"),
        ({"status_code": 201}, "HTTP status is 201, not 200"),
    ],
)
def test_each_wrong_field_fails_and_is_named(changes: dict[str, Any], says: str) -> None:
    verdict = judged(**changes)
    assert verdict.kind is Kind.FAIL
    assert says in verdict.reason
    assert ";" not in verdict.reason or "checks" in changes, "only what is wrong is named"


@pytest.mark.parametrize("stamp", ["2024-05-14T09:30:00Z", "2024-05-14T09:34:59+00:00", "20240514T092600Z"])
def test_a_time_in_utc_may_be_written_in_any_iso_form(stamp: str) -> None:
    assert judged(timestamp=stamp).kind is Kind.PASS


def test_everything_wrong_is_named_at_once() -> None:
    reason = judged(503, status="unhealthy", version="x", checks={}, timestamp="x").reason
    for word in ("status is", "version is", "database", "cache", "message_queue", "timestamp", "HTTP status is 503"):
        assert word in reason


@pytest.mark.parametrize("body", [None, [], "healthy", 1])
def test_an_answer_that_is_no_object_fails(body: object) -> None:
    verdict = judge_health(200, body, version=VERSION, now=NOW)
    assert (verdict.kind, verdict.reason) == (Kind.FAIL, "/health answered 200 and no JSON object")


Handler = Callable[[httpx.Request], httpx.Response]


class Address:
    """Answers each request with the next of `answers`, the last one for ever."""

    def __init__(self, time: FakeTime, *answers: httpx.Response | Exception, seconds: float = 0.0) -> None:
        self.requests: list[httpx.Request] = []
        self.asked_at: list[float] = []
        self._time = time
        self._answers = answers
        self._seconds = seconds

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.asked_at.append(self._time.passed)
        self._time.seconds += self._seconds
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def good() -> httpx.Response:
    return httpx.Response(200, json=HEALTHY)


def ticking(time: FakeTime, *, every: float = 0.0) -> Handler:
    """Answer rightly with the time of the moment, to the second; one answer for `every` seconds."""

    def answer(_request: httpx.Request) -> httpx.Response:
        passed = time.passed - time.passed % every if every else time.passed
        return httpx.Response(200, json={**HEALTHY, "timestamp": (NOW + timedelta(seconds=int(passed))).isoformat()})

    return answer


def check(time: FakeTime, handler: Handler, **fields: Any) -> HealthCheck:
    arguments: dict[str, Any] = {"attempts": 3, "interval_seconds": 2, "timeout_seconds": 5, **fields}
    client = httpx.Client(transport=httpx.MockTransport(handler))
    return HealthCheck(
        str(arguments.pop("url", URL)),
        **arguments,
        client=client,
        clock=time.clock,
        wall_clock=lambda: NOW + timedelta(seconds=time.passed),
    )


def test_it_asks_as_often_and_as_far_apart_as_told() -> None:
    time, told = FakeTime(), Told()
    asked_at: list[float] = []

    def address(request: httpx.Request) -> httpx.Response:
        asked_at.append(time.passed)
        time.seconds += 0.25
        return ticking(time)(request)

    verdict = check(time, address, attempts=10, interval_seconds=2).run(VERSION, told.reporter)
    assert verdict.kind is Kind.PASS
    assert verdict.reason == f"{URL} was healthy 10 of 10 times and answers version {VERSION}"
    assert verdict.numbers == {"attempts": 10, "slowest_seconds": 0.25}
    assert asked_at == [2.25 * number for number in range(10)]
    assert len(told.live) == 10
    assert told.live[-1].startswith("health 10 of 10: ")


def test_the_answer_of_a_cache_is_not_the_health_of_the_api() -> None:
    time = FakeTime()
    verdict = check(time, Address(time, good()), attempts=10).run(VERSION, Told().reporter)
    assert verdict.kind is Kind.FAIL
    assert "was answered 6 s before already: a cache answers, not the API (answer 4 of 10)" in verdict.reason


def test_the_same_second_answered_twice_is_no_cache() -> None:
    time = FakeTime()
    address = ticking(time, every=4)
    assert check(time, address, attempts=10, interval_seconds=1).run(VERSION, Told().reporter).kind is Kind.PASS


def test_all_answers_have_to_be_there_in_the_time_of_the_step() -> None:
    time = FakeTime()

    def slow(request: httpx.Request) -> httpx.Response:
        time.seconds += 4
        return ticking(time)(request)

    verdict = check(time, slow, attempts=10, timeout_in_all_seconds=20).run(VERSION, Told().reporter)
    assert verdict.kind is Kind.TOO_FEW
    assert verdict.reason == f"{URL} has given 4 of 10 answers within 20 s"


def test_the_first_answer_is_waited_for_no_longer_than_the_step_may_take() -> None:
    time = FakeTime()
    address = Address(time, httpx.ConnectError("refused"))
    verdict = check(time, address, attempts=10, timeout_in_all_seconds=6).run(VERSION, Told().reporter)
    assert verdict.kind is Kind.UNREACHABLE
    assert time.passed == 6


def test_a_wrong_answer_says_which_one_it_was_and_how_many_were_asked_for() -> None:
    time = FakeTime()
    address = Address(time, good(), httpx.Response(200, json={**HEALTHY, "version": "x"}))
    verdict = check(time, address).run(VERSION, Told().reporter)
    assert verdict.reason.endswith("(answer 2 of 3)")
    assert verdict.numbers["attempts"] == 2


def test_json_that_is_nested_too_deep_is_no_health() -> None:
    time = FakeTime()
    address = Address(time, httpx.Response(200, text="[" * 100_000))
    assert check(time, address).look(VERSION).kind is Kind.FAIL


def test_one_wrong_answer_among_right_ones_fails_at_once() -> None:
    time = FakeTime()
    address = Address(time, good(), httpx.Response(503, json={**HEALTHY, "status": "unhealthy"}), good())
    verdict = check(time, address).run(VERSION, Told().reporter)
    assert verdict.kind is Kind.FAIL
    assert len(address.requests) == 2


def test_the_answer_of_the_version_before_is_not_waited_away() -> None:
    time = FakeTime()
    address = Address(time, httpx.Response(200, json={**HEALTHY, "version": "staging-0ld0ld0"}), good())
    verdict = check(time, address).run(VERSION, Told().reporter)
    assert verdict.kind is Kind.FAIL
    assert "staging-0ld0ld0" in verdict.reason
    assert len(address.requests) == 1


@pytest.mark.parametrize(
    "no_answer",
    [
        httpx.Response(502, text="Bad Gateway"),
        httpx.Response(504, text="Gateway Timeout"),
        httpx.Response(404, text="404 page not found"),
        httpx.Response(503, text="no available server"),
        httpx.ConnectError("[Errno 111] Connection refused"),
        httpx.ConnectTimeout(""),
        httpx.ReadTimeout("timed out"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
    ids=lambda answer: str(getattr(answer, "status_code", type(answer).__name__)),
)
def test_an_address_behind_which_nobody_answers_is_unreachable_not_bad(no_answer: httpx.Response | Exception) -> None:
    time = FakeTime()
    verdict = check(time, Address(time, no_answer)).look(VERSION)
    assert verdict.kind is Kind.UNREACHABLE
    assert URL in verdict.reason
    assert not verdict.reason.rstrip().endswith(":")


def test_before_the_first_answer_it_waits_for_the_ingress() -> None:
    time = FakeTime()
    address = Address(time, httpx.Response(404), httpx.ConnectError("refused"), httpx.Response(503, text="x"), good())
    verdict = check(time, address).run(VERSION, Told().reporter)
    assert verdict.kind is Kind.PASS
    assert len(address.requests) == 3 + 3


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_the_wait_for_the_first_answer_ends(seconds: float) -> None:
    time = FakeTime()
    address = Address(time, httpx.ConnectTimeout("timed out"), seconds=seconds)
    verdict = check(time, address, attempts=3, interval_seconds=2, timeout_seconds=5).run(VERSION, Told().reporter)
    assert verdict.kind is Kind.UNREACHABLE
    assert 21 <= time.passed <= 21 + 2 + 5


def test_after_the_first_answer_silence_is_waited_for_no_more() -> None:
    time = FakeTime()
    address = Address(time, good(), httpx.ReadTimeout("timed out"), good())
    assert check(time, address).run(VERSION, Told().reporter).kind is Kind.UNREACHABLE
    assert len(address.requests) == 2


def test_another_address_is_asked_in_the_name_of_the_url() -> None:
    time = FakeTime()
    address = Address(time, good())
    check(time, address, connect_to="10.0.0.7").look(VERSION)
    request = address.requests[0]
    assert (request.url.scheme, request.url.host, request.url.path) == ("https", "10.0.0.7", "/health")
    assert request.headers["Host"] == "staging-api.internal"
    assert request.extensions["sni_hostname"] == "staging-api.internal"


def test_the_port_of_the_url_stays_with_another_address() -> None:
    time = FakeTime()
    address = Address(time, good())
    check(time, address, url="http://dev-api.internal:8080/health", connect_to="::1").look(VERSION)
    request = address.requests[0]
    assert (request.url.host, request.url.port) == ("::1", 8080)
    assert request.headers["Host"] == "dev-api.internal:8080"


def test_each_request_has_its_time_out() -> None:
    time = FakeTime()
    address = Address(time, good())
    check(time, address, timeout_seconds=0.7).look(VERSION)
    assert set(address.requests[0].extensions["timeout"].values()) == {0.7}


def test_a_redirect_or_a_page_is_no_health() -> None:
    time = FakeTime()
    for answer in (httpx.Response(302, headers={"Location": "/login"}), httpx.Response(200, text="<html>")):
        assert check(time, Address(time, answer)).look(VERSION).kind is Kind.FAIL
