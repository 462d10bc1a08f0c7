"""Item 18: the store of logs is healthy, and has a fresh line of this application in this environment.

Before the first release nobody has written a line there: then a store that is healthy is all that can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from checks.reader import Unreachable
from checks.waiting import Clock
from cluster.errors import ClusterError
from concerns.log_store import LogStoreSettings
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import SKEW, ask, duration, not_set, unanswered
from notify.channels import Connect

NAME = "the log store"


class _Hit(BaseModel):
    fields: dict[str, list[float | str]]


class _Hits(BaseModel):
    hits: list[_Hit]


class _Shards(BaseModel):
    failed: int = 0


class _Search(BaseModel):
    timed_out: bool = False
    shards: _Shards = _Shards()
    hits: _Hits


class LogItem:
    """Asks one store, by the search API that Elasticsearch and OpenSearch share.

    A line is fresh for `age_minutes`. `runs` tells whether the application is there at all. It and `connect` may raise
    ClusterError or Unreachable.
    """

    def __init__(
        self,
        wanted: LogStoreSettings,
        *,
        age_minutes: float,
        runs: Callable[[], bool],
        connect: Connect,
        clock: Clock,
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._wanted = wanted
        self._limit = timedelta(minutes=age_minutes)
        self._runs = runs
        self._connect = connect
        self._clock = clock
        self._wall_clock = wall_clock
        self._address = str(wanted.url).rstrip("/")
        self._source = f"{self._address}/{wanted.index}"

    def prove(self) -> Proof:
        """Look once."""
        try:
            with self._connect(self._address) as client:
                if self._health(client) == "red":
                    # It may not even be able to search.
                    return self._red()
                newest = self._newest(client)
        except (ClusterError, Unreachable) as error:
            closes = "see that the store answers, and that who signs in (log_store) may search and read its health"
            return unanswered(self._source, error, closes)
        try:
            runs = self._runs()
        except (ClusterError, Unreachable) as error:
            return unanswered("the cluster", error, "see that the cluster runs")
        filters = ", ".join(f"{name}={value}" for name, value in sorted(self._wanted.filters.items()))
        if not runs:
            value = f"released for the first time, so no line with {filters} is asked for; the store is not red"
            return Proof(State.PROVEN, self._source, value)
        ship = f"see that the lines with {filters} are shipped; each has to be a keyword field"
        if newest is None:
            return Proof(State.MISSING, self._source, f"there is no line with {filters}", closes=ship)
        return self._judge(newest, filters, ship)

    def _red(self) -> Proof:
        closes = f"look at what is not assigned: {self._address}/_cluster/allocation/explain"
        value = "the store is red: a part of the logs is lost or late"
        return Proof(State.MISSING, self._source, value, closes=closes)

    def _judge(self, newest: datetime, filters: str, ship: str) -> Proof:
        age = self._wall_clock() - newest
        seen, within = f"{duration(age)} old", duration(self._limit)
        if age < -SKEW:
            error = ValueError(f"the newest line is from the future: {newest:%Y-%m-%d %H:%M} UTC")
            return unanswered(self._source, error, "set the clocks of the pods, or log_store.time_field")
        if age > self._limit:
            value = f"the newest line with {filters} is older than {within}"
            return Proof(State.EXPIRED, self._source, value, seen=seen, closes=ship)
        value = f"the newest line with {filters} is younger than {within}; the store is not red"
        return Proof(State.PROVEN, self._source, value, seen=seen)

    def _health(self, client: httpx.Client) -> str:
        request = httpx.Request("GET", f"{self._address}/_cluster/health", headers=self._headers)
        status = ask(NAME, client, request, self._clock).body.get("status")
        if status not in {"green", "yellow", "red"}:
            raise Unreachable(f"{NAME} answers nonsense: no health")
        return str(status)

    def _newest(self, client: httpx.Client) -> datetime | None:
        field = self._wanted.time_field
        request = httpx.Request(
            "POST",
            f"{self._address}/{self._wanted.index}/_search",
            json={
                "size": 1,
                # Nothing of the line itself is needed.
                "_source": False,
                "track_total_hits": False,
                "query": {"bool": {"filter": [{"term": {k: v}} for k, v in sorted(self._wanted.filters.items())]}},
                "sort": [{field: {"order": "desc", "unmapped_type": "date"}}],
                "docvalue_fields": [{"field": field, "format": "epoch_millis"}],
            },
            headers=self._headers,
        )
        answer = ask(NAME, client, request, self._clock, accepted={httpx.codes.NOT_FOUND})
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        found = _search(answer.body)
        if found.timed_out or found.shards.failed:
            raise Unreachable(f"{NAME} could not search all of the logs")
        if not found.hits.hits:
            return None
        try:
            return datetime.fromtimestamp(float(found.hits.hits[0].fields[field][0]) / 1000, UTC)
        except (KeyError, IndexError, ValueError, OverflowError, OSError):
            raise Unreachable(f"{NAME} answers nonsense: a line without a time in {field}") from None

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", **self._wanted.sign_in}


def log_prover(
    wanted: LogStoreSettings | None,
    *,
    age_minutes: float,
    runs: Callable[[], bool],
    stack: str,
    connect: Connect,
    clock: Clock,
    wall_clock: Callable[[], datetime],
) -> Prover:
    """Return what proves that logs arrive where people look for them. See LogItem for the parameters."""
    if wanted is None:
        return lambda: not_set("log_store", stack, "which store has the logs")
    return LogItem(
        wanted, age_minutes=age_minutes, runs=runs, connect=connect, clock=clock, wall_clock=wall_clock
    ).prove


def _search(body: Any) -> _Search:  # noqa: ANN401
    try:
        return _Search.model_validate({**body, "shards": body.get("_shards") or {}})
    except ValidationError as error:
        raise Unreachable(f"{NAME} answers nonsense: no result of a search") from error
