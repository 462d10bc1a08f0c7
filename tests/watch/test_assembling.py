"""The watch as it is put together: what the pods answer takes the release back, and people are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from checks.verdict import Kind
from checks.waiting import Clock
from cluster.history.history import History
from cluster.lease.holding import Holding
from cluster.watch.state import End, WatchState
from tests.checks.fake_metrics import metrics
from tests.checks.fake_prometheus import alert, alerts, vector
from tests.cluster.two_tracks import TwoTracks
from tests.cluster.watch.world import World
from tests.recorded import NAME, NAMESPACE
from tests.watch.plans import plan_of
from watch.assembling import Assembly
from watch.instruments import Opening

OKS = {"database": "ok", "cache": "ok", "message_queue": "ok"}


@dataclass
class Answering(TwoTracks):
    """Its pods answer 20 requests a second, from minute `bad_from` on every tenth with an error."""

    minute: Callable[[], float] = lambda: 0.0
    bad_from: float = 5

    def _pods(self, request: httpx.Request, name: str) -> httpx.Response:
        if name.endswith(":8080/proxy/metrics"):
            answered = int(1000 + 1200 * self.minute())
            failed = int(120 * max(0.0, self.minute() - self.bad_from))
            return httpx.Response(200, text=metrics(answered - failed, failed))
        return super()._pods(request, name)


@dataclass
class Told:
    """Whoever the watch speaks to beside the cluster."""

    world: World
    posted: list[Mapping[str, Any]] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    firing: list[Mapping[str, Any]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path == "/health":
            version = self.world.server.serving()[-1]
            body = {"status": "healthy", "version": version, "timestamp": self.world.now().isoformat(), "checks": OKS}
            return httpx.Response(200, json=body)
        if path.endswith("/api/v1/alerts"):
            return alerts(*self.firing)
        if path.endswith("/api/v1/query"):
            return vector(({}, "10"))
        if path.startswith("/chat."):
            self.posted.append(json.loads(request.content))
            return httpx.Response(200, json={"ok": True, "channel": "C0123456", "ts": "1.1"})
        if path.endswith("/reactions.get"):
            users = [{"name": "eyes", "users": ["U0ANN000"]}]
            return httpx.Response(200, json={"ok": True, "message": {"reactions": users}})
        hits = {"total": {"value": 7, "relation": "eq"}, "hits": []}
        return httpx.Response(200, json={"timed_out": False, "_shards": {"failed": 0}, "hits": hits})


@pytest.fixture
def world() -> World:
    made = World(kind=Answering)
    assert isinstance(made.server, Answering)
    made.server.minute = lambda: made.minute
    return made


def assembly(world: World, told: Told, **watch: Any) -> Assembly:
    transport = httpx.MockTransport(told)
    return Assembly(
        plan=plan_of(**watch),
        cluster=world.cluster,
        reporter=world.told.reporter,
        holding=lambda: Holding("watch of v2 in prod", clock=Clock()),
        clock=world.clock,
        wall_clock=world.now,
        client=lambda _trust, headers: httpx.Client(transport=transport, headers=dict(headers)),
        transport=transport,
    )


def test_errors_that_the_pods_count_take_the_release_back_and_people_are_told(world: World) -> None:
    told = Told(world)
    made = assembly(world, told)
    state = made.run()
    assert state.end is End.TAKEN_BACK, world.told.lines
    assert state.cause.startswith("errors: ")
    assert 6 <= world.minute < 8
    assert set(world.server.serving()) == {"v1"}
    assert world.server.leases[NAME]["spec"]["holderIdentity"] == "", "held for the rollback alone"
    assert world.server.leases[NAME]["spec"]["leaseTransitions"] == 1
    texts = [each["text"] for each in told.posted]
    assert any("release v2 was taken back" in text and "<@" not in text.split("release")[1] for text in texts)
    assert state.hurt is not None
    assert state.hurt > 0


def test_after_a_rollback_the_watch_stays_until_somebody_has_taken_the_problem_on(world: World) -> None:
    told = Told(world)
    made = assembly(world, told)
    made.escalate(made.run())
    entries = History(world.cluster, NAME).read()[0].entries
    assert [each.facts["by"] for each in entries if each.kind == "acknowledged"] == ["U0ANN000"]


def test_a_release_that_was_good_needs_nobody(world: World) -> None:
    told = Told(world)
    asked = len(told.asked)
    state = WatchState(
        key="0", identity="x", version="v2", began_at=world.now(), looked_at=world.now(), end=End.WATCHED
    )
    assembly(world, told).escalate(state)
    assert len(told.asked) == asked


def test_prometheus_and_the_log_store_are_asked_beside_and_signed_in_to(world: World) -> None:
    told = Told(world)
    made = assembly(world, told)
    opening = Opening(made.plan, world.cluster, world.now, Clock(), world.now, made.client)
    with opening.open() as instruments:
        deadline = 200
        found = instruments.look()
        while Kind.UNREACHABLE in {each.kind for each in found.values()} and deadline:
            Clock().sleep(0.02)
            deadline -= 1
            found = instruments.look()
    assert list(found) == [
        "pods",
        "errors",
        "latency",
        "database connections",
        "memory",
        "cache hit rate",
        "query p99",
        "alerts",
        "logs",
    ]
    assert found["alerts"].kind is Kind.PASS
    assert found["logs"].kind is Kind.PASS
    store = [each for each in told.asked if each.url.path.endswith("/_search")]
    assert {each.headers["Authorization"].partition(" ")[0] for each in store} == {"Basic"}
    others = [each for each in told.asked if "/api/v1/" in each.url.path]
    assert not any("Authorization" in each.headers for each in others), "a password is for the log store alone"


@pytest.mark.parametrize(
    ("minutes", "why"), [(-1, "nothing is promoted until it ends"), (1, "names this release and has come with it")]
)
def test_an_alert_counts_against_the_release_only_if_it_came_with_it(world: World, minutes: float, why: str) -> None:
    began = world.now()
    since = (began + timedelta(minutes=minutes)).isoformat()
    made = alert("HighErrorRate", since=since, namespace=NAMESPACE, severity="critical", version="v2")
    told = Told(world, firing=[made])
    plan = assembly(world, told, log_store=None)
    opening = Opening(plan.plan, world.cluster, lambda: began, Clock(), world.now, plan.client)
    with opening.open() as instruments:
        looks = 200
        while (verdict := instruments.look()["alerts"]).kind is Kind.UNREACHABLE and looks:
            Clock().sleep(0.02)
            looks -= 1
    assert why in verdict.reason


def test_a_cluster_that_is_silent_blinds_the_pods_signals_and_no_other(world: World) -> None:
    told = Told(world)
    made = assembly(world, told, log_store=None)
    opening = Opening(made.plan, world.cluster, world.now, Clock(), world.now, made.client)
    world.server.fails = lambda _request: httpx.ConnectError("refused")
    with opening.open() as instruments:
        found = instruments.look()
    assert {found[name].kind for name in ("pods", "errors", "latency", "memory")} == {Kind.UNREACHABLE}
    assert "logs" not in found
