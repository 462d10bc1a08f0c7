"""The log store is asked as Elasticsearch documents it, in bounded time; half an answer is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from checks.reader import Unreachable
from checks.verdict import Kind, Verdict
from checks.watching.log_store import LogStore
from checks.watching.log_watch import LogWatch

DEPLOYED = datetime(2024, 5, 14, 9, 0, tzinfo=UTC)
NOW = DEPLOYED + timedelta(minutes=10)
Json = dict[str, Any]
Answer = Callable[[httpx.Request], httpx.Response]


def line(message: str, level: str = "ERROR", service: str = "release-manager") -> Json:
    return {"_source": {"level": level, "service": service, "message": message}}


def answer(*hits: Json, total: int | None = None, scroll: str = "", **changes: Any) -> httpx.Response:
    body: Json = {
        "took": 3,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": len(hits) if total is None else total, "relation": "eq"}, "hits": list(hits)},
    }
    return httpx.Response(200, json={**body, **({"_scroll_id": scroll} if scroll else {}), **changes})


class Store:
    """A stand-in with the lines since the deployment and before it."""

    def __init__(self, since: list[Json], before: list[Json] | None = None, *, all_lines: int = 500) -> None:
        self.since, self.before, self.all_lines = since, before or [], all_lines
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = json.loads(request.content)
        if request.url.path == "/_search/scroll":
            return httpx.Response(200, json={"succeeded": True}) if request.method == "DELETE" else answer()
        if body["size"] == 0:
            return answer(total=self.all_lines)
        first = body["query"]["bool"]["filter"][0]["range"]["@timestamp"]["gte"]
        return answer(*(self.since if first.startswith("2024-05-14T09:00") else self.before), scroll="s1")


def store_of(found: Answer, timeout_seconds: float = 5, **fields: str) -> LogStore:
    client = httpx.Client(transport=httpx.MockTransport(found))
    return LogStore(
        "https://logs.internal/",
        client,
        index="logs-*",
        service="release-manager",
        where=fields,
        time_field="@timestamp",
        timeout_seconds=timeout_seconds,
    )


def look(found: Answer, new_errors: str = "tell", lines: int = 3) -> Verdict:
    policy: Any = new_errors
    return LogWatch(store_of(found), DEPLOYED, policy, lines, lambda: NOW).look()


def test_the_query_is_that_of_the_guide() -> None:
    store = Store([line("boom")])
    store_of(store, namespace="production").lines(("ERROR",), DEPLOYED, NOW)
    request = store.requests[0]
    assert (request.method, request.url.path) == ("POST", "/logs-*/_search")
    assert request.url.params["scroll"] == "1m"
    body = json.loads(request.content)
    times, service, where, levels = body["query"]["bool"]["filter"]
    assert times["range"]["@timestamp"]["gte"] == "2024-05-14T09:00:00.000Z"
    assert times["range"]["@timestamp"]["lt"] == "2024-05-14T09:10:00.000Z"
    assert service == {"match_phrase": {"service": "release-manager"}}
    assert where == {"match_phrase": {"namespace": "production"}}
    assert levels["bool"]["should"] == [{"match_phrase": {"level": "ERROR"}}]
    assert body["track_total_hits"] is True
    assert body["size"] == 1000
    last = store.requests[-1]
    assert (last.method, json.loads(last.content)) == ("DELETE", {"scroll_id": ["s1"]}), "nothing is left in the store"


def test_as_a_person_types_it() -> None:
    assert store_of(Store([]), namespace="x").query(("ERROR", "WARN")) == (
        "level:(ERROR OR WARN) AND service:release-manager AND namespace:x"
    )


def test_all_pages_are_read_and_no_more_than_ten_thousand_lines() -> None:
    pages = 0

    def endless(request: httpx.Request) -> httpx.Response:
        nonlocal pages
        if request.method == "DELETE":
            return httpx.Response(200, json={})
        pages += 1
        return answer(*[line(f"boom {number}") for number in range(1000)], total=50_000, scroll="s")

    found = store_of(endless).lines(("ERROR",), DEPLOYED, NOW)
    assert (pages, len(found.lines), found.total, found.complete) == (10, 10_000, 50_000, False)


def test_what_only_sounds_alike_is_left_out() -> None:
    store = Store([line("boom"), line("x", service="my release-manager"), line("y", level="error")])
    found = store_of(store).lines(("ERROR",), DEPLOYED, NOW)
    assert [each.message for each in found.lines] == ["boom"]
    assert found.complete


def test_new_errors_are_named_and_do_not_fail_by_themselves() -> None:
    found = look(Store([line("cannot reach 10.0.0.7"), line("cannot reach 10.0.0.8"), line("old 1")], [line("old 2")]))
    assert found.kind is Kind.TOO_FEW
    assert found.reason == "new in the logs at level ERROR: cannot reach <address>"
    assert found.details[0] == "ERROR 2 times (new): cannot reach <address>"
    assert found.numbers["new_error_patterns"] == 1


def test_errors_that_were_there_before_pass() -> None:
    found = look(Store([line("old 1")] * 50, [line("old 2")]))
    assert found.kind is Kind.PASS
    assert found.details == ("ERROR 50 times (1 in the hour before): old <number>",)


def test_new_warnings_are_for_review_alone() -> None:
    assert look(Store([line("slow", level="WARN")])).kind is Kind.PASS


def test_where_it_is_so_configured_many_lines_of_a_new_error_fail() -> None:
    store = Store([line("boom 1"), line("boom 2"), line("boom 3")])
    assert look(store, "rollback", 3).kind is Kind.FAIL
    assert look(store, "rollback", 4).kind is Kind.TOO_FEW


def test_what_was_not_all_read_of_the_hour_before_fails_nothing() -> None:
    class Cut(Store):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content)
            if request.url.path.endswith("logs-*/_search") and body["size"]:
                first = body["query"]["bool"]["filter"][0]["range"]["@timestamp"]["gte"]
                if not first.startswith("2024-05-14T09:00"):
                    return answer(line("other"), total=90_000)
            return super().__call__(request)

    found = look(Cut([line("boom")] * 5), "rollback", 3)
    assert found.kind is Kind.TOO_FEW
    assert "only the newest lines were compared: 1 of 90,000 lines of the hour before" in found.reason


def test_a_service_that_logs_nothing_at_all_is_not_watched() -> None:
    found = look(Store([], all_lines=0))
    assert found.kind is Kind.NO_DATA
    assert "see that the logs are shipped to it" in found.reason


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (httpx.Response(503, json={"error": {"reason": "no master"}}), "answered 503: no master"),
        (httpx.Response(401, json={"error": "x"}), "answered 401: see the sign-in"),
        (httpx.Response(200, text="<html>"), "answers nonsense"),
        (answer(line("x"), timed_out=True), "for a part of its shards only"),
        (answer(line("x"), _shards={"failed": 1}), "for a part of its shards only"),
        (httpx.Response(302, headers={"Location": "http://elsewhere"}), "answered 302"),
    ],
)
def test_half_an_answer_is_none(given: httpx.Response, said: str) -> None:
    found = look(lambda _request: given)
    assert found.kind is Kind.UNREACHABLE
    assert said in found.reason


def test_a_store_that_cannot_be_reached_is_unreachable_and_shows_no_password() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    store = LogStore(
        "https://ana:hunter2@logs.internal",
        httpx.Client(transport=httpx.MockTransport(refuse)),
        index="x",
        service="s",
        where={},
        time_field="@timestamp",
        timeout_seconds=1,
    )
    with pytest.raises(Unreachable) as caught:
        store.count(DEPLOYED, NOW)
    assert "the log store at https://logs.internal gives no answer: refused" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_answer_that_drips_is_left_in_time() -> None:
    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(1000):
                time.sleep(0.02)
                yield b" "

    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"gave no whole answer within 0\.1 s"):
        store_of(lambda _request: httpx.Response(200, stream=Drip()), timeout_seconds=0.1).count(DEPLOYED, NOW)
    assert time.monotonic() - started < 10
