"""A Prometheus that answers what a test wants it to answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from checks.prometheus import Prometheus

URL = "http://prometheus.internal:9090"
TIMEOUT_SECONDS = 5.0


def success(data: Any) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data})


def vector(*series: tuple[Mapping[str, str], str]) -> httpx.Response:
    """Return the answer to a query that gives these series."""
    result = [{"metric": dict(labels), "value": [1715679000.123, value]} for labels, value in series]
    return success({"resultType": "vector", "result": result})


def by_pod(shares: Mapping[str, float]) -> httpx.Response:
    """Return the answer to a query `max by (pod) (...)`."""
    return vector(*(({"pod": pod}, str(share)) for pod, share in shares.items()))


def alert(name: str, *, state: str = "firing", since: str = "2024-05-14T09:29:00Z", **labels: str) -> dict[str, Any]:
    """Return one alert as /api/v1/alerts has it."""
    return {
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": f"{name} is\nlong"},
        "state": state,
        "activeAt": since,
        "value": "1e+00",
    }


def alerts(*found: Mapping[str, Any]) -> httpx.Response:
    return success({"alerts": list(found)})


def asking(answer: Callable[[httpx.Request], httpx.Response], url: str = URL) -> Prometheus:
    """Return the client of a Prometheus that answers so."""
    return Prometheus(url, httpx.Client(transport=httpx.MockTransport(answer)), TIMEOUT_SECONDS)


def in_turn(answers: Sequence[httpx.Response | Exception]) -> Prometheus:
    """Return the client of a Prometheus that gives these answers one after the other."""
    left = list(answers)

    def answer(_request: httpx.Request) -> httpx.Response:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return asking(answer)


def deep(levels: int) -> str:
    """Return JSON that is nested deeper than a parser may go."""
    return "[" * levels + json.dumps(0) + "]" * levels
