"""Prometheus, asked in bounded time."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checks.reader import Unreachable
from checks.whole_answer import WholeAnswers

WORKERS = 4
LIMIT_BYTES = 2_000_000
_SHOWN = 200


class NoValue(Exception):  # noqa: N818  (it names a state: Prometheus answered, but not with a number)
    """Prometheus answered, but the value is NaN or infinite, as where a rate is divided by no requests."""


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and its value now."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class SeriesOverTime:
    """One series over time: its labels, and at which moments (Unix seconds) it had which value; gaps are left out."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class Alert(BaseModel):
    """One alert that Prometheus knows of. `active_at` is when its condition began to hold, as Prometheus writes it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    state: str
    active_at: str = Field(default="", alias="activeAt")

    @property
    def name(self) -> str:
        """The name of the rule."""
        return self.labels.get("alertname", "an alert without a name")

    @property
    def since(self) -> datetime | None:
        """When its condition began to hold, by Prometheus' clock; None where it does not say so."""
        try:
            said = datetime.fromisoformat(self.active_at)
        except ValueError:
            return None
        return said if said.tzinfo else None

    @property
    def firing(self) -> bool:
        """Whether it fires, and is not only pending."""
        return self.state == "firing"


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(BaseModel):
    resultType: Literal["vector"]  # noqa: N815  (Prometheus' name)
    result: list[_Sample]


class _Scalar(BaseModel):
    resultType: Literal["scalar"]  # noqa: N815  (Prometheus' name)
    result: tuple[float, str]


class _Query(BaseModel):
    data: Annotated[_Vector | _Scalar, Field(discriminator="resultType")]


class _Samples(BaseModel):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Matrix(BaseModel):
    resultType: Literal["matrix"]  # noqa: N815  (Prometheus' name)
    result: list[_Samples]


class _Range(BaseModel):
    data: _Matrix


class _Alerts(BaseModel):
    alerts: list[Alert]


class _AlertsAnswer(BaseModel):
    data: _Alerts


Shape = TypeVar("Shape", bound=BaseModel)


class Prometheus:
    """The Prometheus at `url`.

    Every answer is there within `timeout_seconds`, or Unreachable is raised: for a server that cannot be reached, that
    is silent, that sends byte after byte without an end, that answers with another status than 200, more than
    LIMIT_BYTES, or nonsense. Close it, or use it as a context manager; `client` stays open.
    """

    def __init__(self, url: str, client: httpx.Client, timeout_seconds: float) -> None:
        self._url = httpx.URL(url if url.endswith("/") else f"{url}/")
        self._timeout_seconds = timeout_seconds
        # A password in the URL is shown nowhere.
        self._name = f"Prometheus at {str(self._url.copy_with(userinfo=b'')).rstrip('/')}"
        self._answers = WholeAnswers(self._name, client, timeout_seconds, LIMIT_BYTES, WORKERS)

    @property
    def _timeout(self) -> str:
        """The time-out as Prometheus reads one, which knows no fraction of a unit."""
        return f"{math.ceil(1000 * self._timeout_seconds)}ms"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the threads end. Waits for none of them."""
        self._answers.close()

    def vector(self, query: str) -> Sequence[Series]:
        """Return the series that `query` gives now, perhaps none.

        Raises Unreachable, and NoValue where one of the values is no number.
        """
        answer = self._asked(_Query, "api/v1/query", {"query": query, "timeout": self._timeout})
        if isinstance(answer.data, _Scalar):
            return (Series({}, self._number(answer.data.result[1], {})),)
        return tuple(Series(found.metric, self._number(found.value[1], found.metric)) for found in answer.data.result)

    def scalar(self, query: str) -> float | None:
        """Return the one value that `query` gives now, None where it gives no series. Raises as `vector` does."""
        series = self.vector(query)
        if len(series) > 1:
            raise Unreachable(f"{self._name} answers {len(series)} series where the query is to give one: {query}")
        return series[0].value if series else None

    def over_time(self, query: str, *, start: float, end: float, step_seconds: float) -> Sequence[SeriesOverTime]:
        """Return what `query` gave from `start` to `end` (Unix seconds). Raises Unreachable."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step_seconds:g}"}
        given = {"query": query, "timeout": self._timeout, **times}
        answer = self._asked(_Range, "api/v1/query_range", given)
        return tuple(SeriesOverTime(found.metric, self._points(found.values)) for found in answer.data.result)

    def alerts(self) -> Sequence[Alert]:
        """Return the alerts that are pending or fire. Raises Unreachable."""
        return tuple(self._asked(_AlertsAnswer, "api/v1/alerts", {}).data.alerts)

    def _points(self, values: Sequence[tuple[float, str]]) -> tuple[tuple[float, float], ...]:
        points: list[tuple[float, float]] = []
        for at, text in values:
            with suppress(NoValue):
                points.append((at, self._number(text, {})))
        return tuple(points)

    def _number(self, text: str, labels: Mapping[str, str]) -> float:
        try:
            value = float(text)
        except ValueError:
            raise Unreachable(f"{self._name} answers nonsense: the value {text[:_SHOWN]!r}") from None
        if not math.isfinite(value):
            of = ", ".join(f"{name}={labels[name]}" for name in sorted(labels))
            raise NoValue(f"{self._name} answers {text}" + (f" for {of}" if of else ""))
        return value

    def _asked(self, shape: type[Shape], path: str, parameters: Mapping[str, str]) -> Shape:
        request = self._answers.request("GET", self._url.join(path), parameters)
        status, body = self._answers.ask(request)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        if status != httpx.codes.OK:
            why = content.get("error") if isinstance(content, dict) else None
            raise Unreachable(f"{self._name} answered {status}" + (f": {str(why)[:_SHOWN]}" if why else ""))
        return self._shaped(shape, content)

    def _shaped(self, shape: type[Shape], content: Any) -> Shape:  # noqa: ANN401 - whatever the server sent
        if not isinstance(content, dict):
            raise Unreachable(f"{self._name} answers nonsense: no JSON object")
        if content.get("status") != "success":
            why = str(content.get("error") or content.get("status") or "no status")[:_SHOWN]
            raise Unreachable(f"{self._name} answers with an error: {why}")
        try:
            return shape.model_validate(content)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Unreachable(f"{self._name} answers nonsense: {where}: {first['msg']}") from error
