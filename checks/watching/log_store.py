"""The log store, asked by Elasticsearch's own API, which OpenSearch answers too, in bounded time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checks.reader import Unreachable
from checks.watching.log_patterns import Line
from checks.whole_answer import WholeAnswers

PAGE_LINES = 1000
MOST_LINES = 10_000
KEPT_FOR = "1m"
LIMIT_BYTES = 20_000_000
_SHOWN = 200


@dataclass(frozen=True)
class Lines:
    """The newest lines of a stretch of time, `total` there are; `complete` says that all of them were read."""

    lines: tuple[Line, ...]
    total: int

    @property
    def complete(self) -> bool:
        """Whether every line was read."""
        return len(self.lines) >= self.total


class _Shards(BaseModel):
    failed: int


class _Source(BaseModel):
    level: str = ""
    service: str = ""
    message: str = ""


class _Hit(BaseModel):
    source: _Source = Field(alias="_source")


class _Total(BaseModel):
    value: int


class _Hits(BaseModel):
    total: _Total | int
    hits: list[_Hit]

    @property
    def count(self) -> int:
        return self.total if isinstance(self.total, int) else self.total.value


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    timed_out: bool
    shards: _Shards = Field(alias="_shards")
    hits: _Hits
    scroll_id: str = Field(default="", alias="_scroll_id")


class LogStore:
    """The lines of one service in the log store at `url`, whose indices `index` matches.

    `where` holds further fields that a line must have, each with its exact value, such as the namespace;
    `time_field` is the one of when it was logged. Every answer
    is there within `timeout_seconds` or Unreachable is raised: for a server that cannot be reached, answers with
    another status than 200, from only some of its shards, too much, or nonsense. `client` signs in, and stays open.
    """

    def __init__(
        self,
        url: str,
        client: httpx.Client,
        *,
        index: str,
        service: str,
        where: Mapping[str, str],
        time_field: str,
        timeout_seconds: float,
    ) -> None:
        self._url = url.rstrip("/")
        self._index = index
        self._service = service
        self._where = dict(where)
        self._time_field = time_field
        bare = str(httpx.URL(self._url).copy_with(userinfo=b"")).rstrip("/")
        self._name = f"the log store at {bare}"
        self._answers = WholeAnswers(self._name, client, timeout_seconds, LIMIT_BYTES, workers=1)

    def close(self) -> None:
        """Let the thread end. Waits for nothing."""
        self._answers.close()

    def query(self, levels: Sequence[str] = ()) -> str:
        """Return the query as a person types it."""
        asked = [f"service:{self._service}", *(f"{name}:{value}" for name, value in sorted(self._where.items()))]
        return " AND ".join([f"level:({' OR '.join(levels)})", *asked] if levels else asked)

    def count(self, since: datetime, until: datetime) -> int:
        """Return how many lines of any level there are from `since` until before `until`. Raises Unreachable."""
        body = {"size": 0, "track_total_hits": True, "query": self._filter(since, until, ())}
        return self._search(body).hits.count

    def lines(self, levels: Sequence[str], since: datetime, until: datetime) -> Lines:
        """Return the newest lines of these levels from `since` until before `until`, 10,000 at most.

        Raises Unreachable.
        """
        body = {
            "size": PAGE_LINES,
            "track_total_hits": True,
            "query": self._filter(since, until, levels),
            "sort": [{self._time_field: "desc"}],
            "_source": ["level", "service", "message"],
        }
        page = self._search(body, scroll=KEPT_FOR)
        total, read, other = page.hits.count, list[Line](), 0
        scroll_ids = {page.scroll_id} - {""}
        try:
            while page.hits.hits:
                for hit in page.hits.hits:
                    found = hit.source
                    # A text field matches more than the very word: release-manager is a part of other names.
                    if found.service == self._service and found.level in levels:
                        read.append(Line(found.level, found.message))
                    else:
                        other += 1
                if len(read) + other >= min(total, MOST_LINES) or not page.scroll_id:
                    break
                page = self._asked("POST", "_search/scroll", {"scroll": KEPT_FOR, "scroll_id": page.scroll_id})
                scroll_ids |= {page.scroll_id} - {""}
        finally:
            self._let_go(scroll_ids)
        return Lines(tuple(read), total - other)

    def _filter(self, since: datetime, until: datetime, levels: Sequence[str]) -> Mapping[str, Any]:
        moments = {"gte": _moment(since), "lt": _moment(until), "format": "strict_date_optional_time"}
        wanted: list[Mapping[str, Any]] = [{"range": {self._time_field: moments}}]
        # A phrase is the exact value of a keyword field, and the next best thing of a text field.
        for name, value in {"service": self._service, **self._where}.items():
            wanted.append({"match_phrase": {name: value}})
        if levels:
            either = [{"match_phrase": {"level": level}} for level in levels]
            wanted.append({"bool": {"should": either, "minimum_should_match": 1}})
        return {"bool": {"filter": wanted}}

    def _search(self, body: Mapping[str, Any], *, scroll: str = "") -> _Answer:
        given = {"ignore_unavailable": "true", "allow_no_indices": "true", **({"scroll": scroll} if scroll else {})}
        return self._asked("POST", f"{quote(self._index, safe='*,-_.')}/_search", body, given)

    def _let_go(self, scroll_ids: set[str]) -> None:
        if scroll_ids:
            # It ends by itself a minute later.
            with suppress(Unreachable):
                self._fetched("DELETE", "_search/scroll", {"scroll_id": sorted(scroll_ids)}, {})

    def _asked(
        self, method: str, path: str, body: Mapping[str, Any], given: Mapping[str, str] | None = None
    ) -> _Answer:
        content = self._fetched(method, path, body, given or {})
        try:
            answer = _Answer.model_validate(content)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Unreachable(f"{self._name} answers nonsense: {where}: {first['msg']}") from error
        if answer.timed_out or answer.shards.failed:
            raise Unreachable(f"{self._name} answers for a part of its shards only ({answer.shards.failed} failed)")
        return answer

    def _fetched(self, method: str, path: str, body: Mapping[str, Any], given: Mapping[str, str]) -> Any:  # noqa: ANN401
        question = json.dumps(body).encode()
        request = self._answers.request(method, httpx.URL(f"{self._url}/{path}"), given, question)
        status, text = self._answers.ask(request)
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise Unreachable(f"{self._name} answered {status}: see the sign-in in log_store")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            content = None
        if status != httpx.codes.OK:
            raise Unreachable(f"{self._name} answered {status}{_why(content)}")
        return content


def _why(content: object) -> str:
    error = content.get("error") if isinstance(content, dict) else None
    reason = error.get("reason") if isinstance(error, dict) else error
    return f": {str(reason)[:_SHOWN]}" if reason else ""


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
