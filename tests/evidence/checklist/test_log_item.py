"""Logs arrive only if the store is not red and has a fresh line of this application in this environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from pydantic import AnyHttpUrl, SecretStr, ValidationError

from checks.reader import Unreachable
from cluster.errors import ClusterError
from concerns.log_store import LogStoreSettings
from evidence.checklist.log_item import log_prover
from evidence.checklist.proof import Proof, State
from evidence.checklist.service import ANSWER_SECONDS
from notify.channels import Connect
from tests.cluster.api_server import Failure
from tests.evidence.checklist.services import DOWN, NONSENSE, Web, ago, says_what_closes, wall_clock
from tests.recorded import Json

NAMED = "environment=production, service=release-manager"
STORE = LogStoreSettings(
    url=AnyHttpUrl("https://logs.internal"),
    where={"environment": "production"},
    api_key=SecretStr("not-a-real-api-key"),
)


def hits(newest: datetime | None, **changes: Any) -> httpx.Response:
    """Return the answer of a search whose newest line is so old."""
    line = {"_index": "logs-2024.05.14", "_id": "1", "_score": None}
    found: list[Json] = []
    if newest is not None:
        found = [{**line, "fields": {"@timestamp": [str(int(newest.timestamp() * 1000))]}, "sort": [1]}]
    shards = {"total": 3, "successful": 3, "skipped": 0, "failed": 0}
    body = {"took": 2, "timed_out": False, "_shards": shards, "hits": {"max_score": None, "hits": found}}
    return httpx.Response(200, json={**body, **changes})


def prove(
    search: Failure,
    health: Failure | str = "green",
    wanted: LogStoreSettings | None = STORE,
    runs: Callable[[], bool] = lambda: True,
    connect: Connect | None = None,
) -> tuple[Proof, Web]:
    state = httpx.Response(200, json={"status": health}) if isinstance(health, str) else health
    web = Web(lambda request: state if request.url.path == "/_cluster/health" else search)
    prover = log_prover(
        wanted,
        age_minutes=10,
        runs=runs,
        stack="prod",
        connect=connect or web.connect,
        clock=web.time.clock,
        wall_clock=wall_clock,
    )
    return prover(), web


@pytest.mark.parametrize("health", ["green", "yellow"])
def test_a_fresh_line_in_a_healthy_store_is_proven_and_its_age_only_shown(health: str) -> None:
    proof, _ = prove(hits(ago(minutes=2)), health)
    assert proof.state is State.PROVEN
    assert proof.value == f"the newest line with {NAMED} is younger than 10 min; the store is not red"
    assert (proof.source, proof.seen) == ("https://logs.internal/logs-*", "2 min old")


def test_the_store_is_asked_for_the_time_of_one_line_and_not_for_the_line() -> None:
    _, web = prove(hits(ago(minutes=2)))
    search = web.requests[1]
    assert (search.method, str(search.url)) == ("POST", "https://logs.internal/logs-*/_search")
    assert search.headers["Authorization"] == "ApiKey not-a-real-api-key"
    body = json.loads(search.content)
    assert (body["size"], body["_source"]) == (1, False)
    assert body["sort"] == [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]
    assert body["query"]["bool"]["filter"] == [
        {"term": {"environment": "production"}},
        {"term": {"service": "release-manager"}},
    ]


@pytest.mark.parametrize(
    ("age", "state"), [(9.9, State.PROVEN), (10.1, State.EXPIRED), (60 * 24 * 40, State.EXPIRED), (-6, State.UNKNOWN)]
)
def test_how_old_the_newest_line_may_be(age: float, state: State) -> None:
    proof, _ = prove(hits(ago(minutes=age)))
    assert proof.state is state
    assert state is State.PROVEN or says_what_closes(proof, state)


@pytest.mark.parametrize("answer", [hits(None), httpx.Response(404, json={"error": {"type": "index_not_found"}})])
def test_no_line_at_all_is_missing(answer: Failure) -> None:
    proof, _ = prove(answer)
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == f"there is no line with {NAMED}"


def test_before_the_first_release_a_healthy_store_is_all_that_is_asked_for() -> None:
    for newest in (None, ago(minutes=60 * 24 * 40)):
        proof, _ = prove(hits(newest), runs=lambda: False)
        assert proof.state is State.PROVEN
        assert proof.value == f"released for the first time, so no line with {NAMED} is asked for; the store is not red"
    for proof, _ in (prove(hits(None), "red", runs=lambda: False), prove(DOWN[0], runs=lambda: False)):
        assert not proof.state.closed


@pytest.mark.parametrize("error", [ClusterError("it may not be read"), Unreachable("the cluster gives no answer")])
def test_whether_anything_runs_is_not_guessed(error: Exception) -> None:
    def runs() -> bool:
        raise error

    assert says_what_closes(prove(hits(None), runs=runs)[0], State.UNKNOWN)


def test_a_red_store_is_missing_however_fresh_its_lines() -> None:
    for search in (hits(ago(minutes=2)), httpx.Response(503, json={"error": {"type": "all_shards_failed"}})):
        proof, _ = prove(search, "red")
        assert says_what_closes(proof, State.MISSING)
        assert "the store is red" in proof.value


@pytest.mark.parametrize("answer", DOWN)
def test_a_store_that_is_down_leaves_it_unknown(answer: Failure) -> None:
    for proof, web in (prove(answer), prove(hits(ago(minutes=2)), answer)):
        assert says_what_closes(proof, State.UNKNOWN)
        assert web.time.passed <= ANSWER_SECONDS


@pytest.mark.parametrize(
    "answer",
    [
        *NONSENSE,
        hits(ago(minutes=2), timed_out=True),
        hits(ago(minutes=2), _shards={"total": 3, "failed": 1}),
        hits(ago(minutes=2), hits={"hits": [{"_id": "1"}]}),
        hits(ago(minutes=2), hits={"hits": [{"fields": {"@timestamp": []}}]}),
        hits(ago(minutes=2), hits={"hits": [{"fields": {"@timestamp": ["yesterday"]}}]}),
        hits(ago(minutes=2), hits={"hits": [{"fields": {"@timestamp": ["1e300"]}}]}),
        hits(ago(minutes=2), hits={"hits": [{"fields": {"time": ["1"]}}]}),
    ],
)
def test_nonsense_or_half_an_answer_leaves_it_unknown(answer: Failure) -> None:
    assert says_what_closes(prove(answer)[0], State.UNKNOWN)


@pytest.mark.parametrize("health", [*NONSENSE, "purple"])
def test_a_store_that_does_not_tell_its_health_is_unknown(health: Failure | str) -> None:
    assert says_what_closes(prove(hits(ago(minutes=2)), health)[0], State.UNKNOWN)


@pytest.mark.parametrize(
    ("sign_in", "sent"),
    [
        ({}, None),
        ({"username": "ana", "password": "a secret"}, "Basic YW5hOmEgc2VjcmV0"),
        ({"bearer_token": "not-a-real-token"}, "Bearer not-a-real-token"),
    ],
)
def test_how_it_is_signed_in_to(sign_in: dict[str, str], sent: str | None) -> None:
    store = LogStoreSettings.model_validate_json(json.dumps({"url": "https://logs.internal", **sign_in}))
    _, web = prove(hits(ago(minutes=2)), wanted=store)
    assert [each.headers.get("Authorization") for each in web.requests] == [sent, sent]


def test_a_certificate_authority_that_cannot_be_read_leaves_it_unknown() -> None:
    def connect(_address: str) -> httpx.Client:
        raise ClusterError("log_store.ca_file nowhere cannot be read")

    proof, _ = prove(hits(ago(minutes=2)), connect=connect)
    assert says_what_closes(proof, State.UNKNOWN)
    assert "log_store.ca_file nowhere cannot be read" in proof.seen


def test_what_is_not_configured_is_missing() -> None:
    proof, web = prove(hits(ago(minutes=2)), wanted=None)
    assert says_what_closes(proof, State.MISSING)
    assert ("set log_store" in proof.closes, web.requests) == (True, [])


@pytest.mark.parametrize("url", ["http://logs.internal", "https://elastic:secret@logs.internal"])
def test_a_token_is_sent_to_nobody_who_could_be_read_along(url: str) -> None:
    with pytest.raises(ValidationError):
        LogStoreSettings(url=AnyHttpUrl(url))
