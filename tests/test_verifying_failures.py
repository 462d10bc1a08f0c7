"""A stack's own steps, each failing in its own way: the verdict, one message, the rollback, and the record of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from checks.verdict import Kind
from checks.waiting import Clock
from cluster.history.history import History
from tests.checks.fake_prometheus import vector
from tests.cluster.verification_world import World
from tests.recorded import NAME
from tests.stack_values import CANARY, settings_of
from tests.test_verifying import METRICS, FakePrometheus, no_planner, verification_of

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Problem:
    """`script` is what the step of a script runs; of the key metrics the answers to `query` are bad."""

    step: str
    kind: Kind
    says: str
    script: tuple[str, ...] = ()
    query: str = ""
    answer: Callable[[FakePrometheus], httpx.Response] = lambda _found: httpx.Response(503)
    details: tuple[str, ...] = ()


def value(text: str) -> Callable[[FakePrometheus], httpx.Response]:
    return lambda _found: vector(({}, text))


def slow(found: FakePrometheus) -> httpx.Response:
    query = found.queries[-1]
    return vector(({}, "0.75" if "histogram_quantile" in query else "20" if 'le=~"0[.]5"' in query else "40"))


def of_each_pod(text: str) -> Callable[[FakePrometheus], httpx.Response]:
    return lambda found: vector(*(({"pod": pod}, text) for pod in found.pods))


FAILS = ("sh", "-c", "echo not today; exit 1")
SMOKE, INTEGRATION, METRICS_STEP = "smoke tests", "integration tests", "key metrics"
PROBLEMS = {
    "smoke tests fail": Problem(SMOKE, Kind.FAIL, "status 1", FAILS, details=("not today",)),
    "smoke tests hang": Problem(SMOKE, Kind.NO_DATA, "gave no result within 1 s and was ended", ("sleep", "600")),
    "integration tests fail": Problem(INTEGRATION, Kind.FAIL, "status 1", FAILS, details=("not today",)),
    "integration tests hang": Problem(INTEGRATION, Kind.NO_DATA, "gave no result within 1 s", ("sleep", "600")),
    "too many errors": Problem(METRICS_STEP, Kind.FAIL, "errors: ", query="errors_total", answer=value("4")),
    "too slow": Problem(METRICS_STEP, Kind.FAIL, "p99: 750 ms", query="duration_seconds_bucket", answer=slow),
    "its pool is full": Problem(
        METRICS_STEP, Kind.FAIL, "database connections: pod ", query="db_connections_active", answer=of_each_pod("0.8")
    ),
    "its memory is full": Problem(
        METRICS_STEP, Kind.FAIL, "memory: pod ", query="process_resident_memory_bytes", answer=of_each_pod("0.7")
    ),
    "no data": Problem(
        METRICS_STEP, Kind.NO_DATA, "(gave up after 60 s)", query="release_manager", answer=lambda _: vector()
    ),
    "Prometheus is down": Problem(METRICS_STEP, Kind.UNREACHABLE, "answered 503", query="release_manager"),
}


def script_of(problem: Problem, name: str) -> dict[str, Any]:
    command = problem.script if problem.step == name and problem.script else ("true",)
    return {"name": name, "command": list(command), "timeout_seconds": 1}


@pytest.mark.parametrize("what", PROBLEMS)
def test_it_is_taken_back_and_nothing_behind_it_is_done(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    problem, world = PROBLEMS[what], World()
    world.up("v1")
    world.recorded = True
    prometheus = FakePrometheus([])
    prometheus.bad, prometheus.answer = problem.query, lambda: problem.answer(prometheus)

    def asked(request: httpx.Request) -> httpx.Response:
        prometheus.pods = [pod.metadata.name for pod in world.server.cluster().pods("app=release-manager")]
        return prometheus(request)

    settings = settings_of(
        **CANARY,
        rollout__timeout_seconds=600,
        verification__scripts=[script_of(problem, name) for name in (SMOKE, INTEGRATION)],
        verification__key_metrics=METRICS,
    )
    verification = verification_of(settings, world.server, world.time, world.told, asked)
    if problem.script:
        # A script takes its own time.
        verification = replace(verification, clock=Clock())
    steps = verification.further_steps(no_planner)
    world.further = dict(steps)

    text = world.fails(lambda: world.up("v2"))

    assert text.startswith(f"release v2 was taken back in development: step {problem.step} ended with {problem.kind}: ")
    assert problem.says in text
    assert all(f"\n  | {line}" in text for line in problem.details)
    assert "v1 serves again" in text
    assert (world.server.version, world.verified()) == ("v1", ["v1"])
    names = [name for name, _ in steps]
    assert [name for name, _ in world.asked] == names[: names.index(problem.step) + 1]
    attempt = History(world.server.cluster(), NAME).read()[0]
    last = [each.facts for each in attempt.entries if each.kind == "gate"][-1]
    assert (last["step"], last["verdict"]) == (problem.step, str(problem.kind))
    assert problem.says in str(last["reason"]) + str(last.get("output", ""))
    assert [each.kind for each in attempt.entries][-2:] == ["rollback", "finished"]
    assert (attempt.outcome, attempt.cause.partition(": ")[0]) == (
        "failed",
        f"step {problem.step} ended with {problem.kind}",
    )
