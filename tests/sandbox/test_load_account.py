"""Every request counts once, under the way in which it failed and the version that answered it."""

from __future__ import annotations

import json

import pytest

from sandbox.load.account import OfVersion, account
from sandbox.load.answer import Failure, parse
from tests.sandbox.load_fakes import answer

TIMED_OUT = 'Get "https://x": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
REFUSED = 'Get "https://x": dial tcp 127.0.0.1:443: connect: connection refused'


@pytest.mark.parametrize(
    ("status", "error", "failure"),
    [
        (200, "", None),
        (500, "500 Internal Server Error", Failure.SERVER_ERROR),
        (503, "503 Service Unavailable", Failure.SERVER_ERROR),
        (404, "404 Not Found", Failure.OTHER_STATUS),
        (302, "", Failure.OTHER_STATUS),
        (0, TIMED_OUT, Failure.TIME_OUT),
        (0, 'Get "https://x": dial tcp 127.0.0.1:443: i/o timeout', Failure.TIME_OUT),
        (0, REFUSED, Failure.CONNECTION),
        (0, 'Get "https://x": EOF', Failure.CONNECTION),
        (200, "unexpected EOF", Failure.OTHER_STATUS),
    ],
)
def test_a_request_fails_in_one_way_or_not_at_all(status: int, error: str, failure: Failure | None) -> None:
    assert answer(status=status, error=error).failure() is failure


def test_a_slow_answer_fails_only_where_slowness_is_asked_for() -> None:
    slow = answer(latency=0.6)
    assert (slow.failure(), slow.failure(0.5), slow.failure(0.6)) == (None, Failure.SLOW, None)


def test_an_account_counts_by_failure_and_by_version() -> None:
    found = account(
        [
            answer(0, version="v1"),
            answer(1, version="v2", status=500),
            answer(2, version="v2"),
            answer(3, version="", status=0, error=REFUSED),
            answer(4, version="v2", latency=0.7),
        ],
        slow_seconds=0.5,
    )
    assert (found.total, found.bad) == (5, 3)
    assert found.failed == {Failure.SERVER_ERROR: 1, Failure.CONNECTION: 1, Failure.SLOW: 1}
    assert found.versions == {"v1": OfVersion(1, 0), "v2": OfVersion(3, 2), "": OfVersion(1, 1)}


def test_the_time_that_users_are_hurt_runs_from_the_first_bad_answer_to_the_last_as_they_came() -> None:
    late = answer(1.0, status=0, error=TIMED_OUT, latency=5.0)
    found = account([late, answer(2.0, status=500, latency=0.5), answer(3.0, status=500), answer(9.0)])
    assert (found.first_bad, found.last_bad) == (answer(2.0, status=500, latency=0.5), late)
    assert found.bad_seconds == pytest.approx(3.5)


def test_latencies_are_those_of_requests_not_between_them() -> None:
    found = account([answer(n, latency=n / 1000) for n in range(1, 101)])
    assert found.latency_seconds == {0.5: 0.05, 0.95: 0.095, 0.99: 0.099, 1.0: 0.1}


def test_the_rate_is_that_at_which_was_sent() -> None:
    assert account([answer(n / 20) for n in range(101)]).rate == pytest.approx(20)


def test_nothing_sent_is_an_account_too() -> None:
    found = account([])
    assert (found.total, found.bad, found.bad_seconds, found.rate) == (0, 0, 0.0, 0.0)
    assert list(found.lines()) == ["requests  0, 0.0 a second", "failed    0"]


def test_a_person_reads_how_many_failed_when_and_which_version_answered() -> None:
    found = account([answer(0), answer(1, status=500, error="500 Internal Server Error", version="v2")])
    assert list(found.lines()) == [
        "requests  2, 1.0 a second",
        "failed    1 (50 %): 5xx 1",
        "          from 00:00:01.010 to 00:00:01.010, 0.00 s; the first: 500 Internal Server Error",
        "version   v1: 1 answers, 0 failed",
        "version   v2: 1 answers, 1 failed",
        "latency   p50 10.0 ms, p95 10.0 ms, p99 10.0 ms, most 10.0 ms",
    ]


def test_a_line_of_vegeta_is_read_with_the_version_that_answered() -> None:
    line = {
        "code": 500,
        "timestamp": "2026-11-23T13:00:00.123456789+01:00",
        "latency": 2_500_000,
        "error": "500 Internal Server Error",
        "headers": {"Content-Type": ["application/json"], "X-Release-Version": ["v2026.11.23"]},
    }
    found = parse(json.dumps(line))
    assert found.sent_at == pytest.approx(1795435200.123456)
    assert (found.latency_seconds, found.status, found.version) == (0.0025, 500, "v2026.11.23")


@pytest.mark.parametrize("headers", [None, {}, {"Server": ["x"]}])
def test_an_answer_that_names_no_version_has_none(headers: dict[str, list[str]] | None) -> None:
    line = {"code": 0, "timestamp": "2026-11-23T12:00:00Z", "latency": 1, "error": "EOF", "headers": headers}
    assert parse(json.dumps(line)).version == ""
