"""Services that answer what a test wants them to answer, and a cluster with more kinds of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from cluster.api import Cluster
from evidence.checklist.prometheus_rules import RulesPrometheus
from evidence.checklist.proof import Proof, State
from tests.checks.fake_prometheus import TIMEOUT_SECONDS, URL
from tests.cluster.api_server import BASE, ApiServer, Failure
from tests.fake_time import FakeTime
from tests.recorded import NAMESPACE, Json

NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
OTHER = "databases"
# What a service may send that is not of its own kind.
NONSENSE: list[Any] = [
    httpx.Response(200, text="<html>Please sign in</html>"),
    httpx.Response(200, json=[]),
    httpx.Response(200, json={"x": 1}),
    httpx.Response(200, json=None),
]
DOWN: list[Any] = [
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("silent"),
    httpx.Response(500),
    httpx.Response(503, text="maintenance"),
    httpx.Response(401, json={"message": "not-a-real-secret is no token"}),
]


def wall_clock() -> datetime:
    return NOW


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Web:
    """Answers a request by `answer`, which returns a response or an exception; `connect` is what provers are given."""

    answer: Callable[[httpx.Request], Failure]
    requests: list[httpx.Request] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    time: FakeTime = field(default_factory=FakeTime)

    def connect(self, address: str) -> httpx.Client:
        self.addresses.append(address)
        return httpx.Client(transport=httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answer(request)
        if isinstance(found, Exception):
            raise found
        # A response is read once.
        return httpx.Response(found.status_code, content=found.content, headers={"Content-Type": "application/json"})


@contextmanager
def asking(answer: Callable[[httpx.Request], Failure]) -> Iterator[RulesPrometheus]:
    """Give the client of a Prometheus that answers so."""
    with Web(answer).connect(URL) as client, RulesPrometheus(URL, client, TIMEOUT_SECONDS) as prometheus:
        yield prometheus


@dataclass
class Kubernetes(ApiServer):
    """The API server in memory, and `answers` to whole paths before it is asked."""

    answers: dict[str, Json | httpx.Response] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        found = self.answers.get(request.url.path)
        failure = self.fails(request)
        if found is None or failure is not None:
            return super().__call__(request)
        self.requests.append(request)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    def cluster_in(self, namespace: str) -> Cluster:
        return Cluster(httpx.Client(base_url=BASE, transport=httpx.MockTransport(self)), namespace)


def away(_request: httpx.Request) -> Failure:
    return httpx.ConnectError("refused")


def always(answer: Failure, _request: httpx.Request) -> Failure:
    return answer


def path(group: str, kind: str, name: str = "", namespace: str = NAMESPACE) -> str:
    return f"/{group}/namespaces/{namespace}/{kind}" + (f"/{name}" if name else "")


def says_what_closes(proof: Proof, state: State) -> bool:
    """Whether an open proof is of this state, tells a person what to do, and holds no secret."""
    text = f"{proof}"
    assert "not-a-real" not in text, text
    assert "\n" not in text
    return proof.state is state and bool(proof.closes) and bool(proof.source) and bool(proof.value)
