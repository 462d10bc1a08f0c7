"""What goes wrong around a release of production: what cannot be known never promotes, and never loses a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.load.account import account
from tests.e2e.after_others import waivers_with
from tests.e2e.faults import (
    HEALTHY,
    RATE,
    REPLICAS,
    Serving,
    check_preview_is_true,
    check_taken_back,
    deployment,
    names,
    released,
    serving,
    settings,
    settled,
    without_an_answer,
)
from tests.e2e.running import UP, running
from tests.e2e.stack import Result, Stack
from tests.e2e.troubles import kill_api_server, prometheus_down, prometheus_silent, prometheus_talking_nonsense

pytestmark = pytest.mark.thorough

LITTLE_RATE = 5
MANY_RATE, MANY_REQUESTS = 100, 10_000
# From the first bad answer to the last, on a machine that is busy.
FOUND_SECONDS = 5.0
MOST_BAD = 40
# An autoscaler that has nothing to measure by: it is the test that scales.
AUTOSCALED: dict[str, Any] = {"autoscaling": {"minimum": REPLICAS, "maximum": 12, "cpu_percent": 80}}
SCALED_TO = 10
PROMETHEUS = {
    "is down": (prometheus_down, "gives no answer"),
    "is silent": (prometheus_silent, "gave no whole answer within 1 s"),
    "talks nonsense": (prometheus_talking_nonsense, "answers nonsense: no JSON object"),
}


@pytest.fixture(scope="module")
def production(prod: Stack) -> Stack:
    """Production with a good version on all pods."""
    return released(prod)


@pytest.fixture
def scaled(production: Stack) -> Iterator[Stack]:
    """Production whose stable a test may scale, and let an autoscaler have."""
    yield production
    kubectl, of_stable = production.world.kubectl, names(production).deployment
    kubectl.delete("horizontalpodautoscaler", of_stable, namespace=production.namespace)
    kubectl.run("scale", f"deployment/{of_stable}", f"--replicas={REPLICAS}", namespace=production.namespace)
    settled(production)


def check_promoted(stack: Stack, before: Serving, result: Result, *, replicas: int = REPLICAS) -> None:
    """See that another release than before is on all pods."""
    assert result.status == 0, result.text
    after = settled(stack, replicas)
    assert after.whole
    assert after.stable != before.stable
    assert after.version == before.version


def test_a_healthy_canary_that_gets_no_request_is_not_promoted(production: Stack) -> None:
    before = serving(production)

    result = production.up("--skip-preview", settings=settings(HEALTHY, {"maximum_seconds": 5}))

    check_taken_back(production, before, result, reason="NO_DATA: the canary has answered no request yet")
    assert "no request is known to be hurt" in result.error
    assert "whether the release is good is not known" in result.error


def test_a_healthy_canary_with_little_traffic_is_not_promoted(production: Stack) -> None:
    before = serving(production)

    result, load = production.up_under_load(
        "--skip-preview", rate=LITTLE_RATE, settings=settings(HEALTHY, {"maximum_seconds": 12})
    )

    check_taken_back(production, before, result, reason="TOO_FEW: ")
    assert "more to the canary without a fault are needed" in result.error
    assert load.bad == 0, "\n".join(load.lines())


@pytest.mark.parametrize("what", PROMETHEUS)
def test_while_prometheus_fails_a_bad_canary_is_found_as_soon_and_a_healthy_one_is_not_promoted(
    production: Stack, what: str
) -> None:
    before, (trouble, says) = serving(production), PROMETHEUS[what]

    with trouble(production.world) as found:
        # The checklist lets no release begin while Prometheus does not answer; this one fails later.
        waivers = waivers_with(production, "environment", reason="Prometheus fails in this test")
        asking = {"prometheus": {**found, "timeout_seconds": 1}, "checklist": {"waivers": waivers}}
        bad, of_bad = production.up_under_load(
            "--skip-preview", rate=RATE, settings=settings({"FAULT_ERROR_RATE": "1"}, **asking)
        )
        check_taken_back(production, before, bad, reason="requests to the canary ended with an error")
        healthy, of_healthy = production.up_under_load(
            "--skip-preview", rate=RATE, settings=settings(HEALTHY, {"maximum_seconds": 10}, **asking)
        )

    assert without_an_answer(of_bad) == 0, "\n".join(of_bad.lines())
    assert of_bad.bad <= MOST_BAD, "\n".join(of_bad.lines())
    assert of_bad.bad_seconds <= FOUND_SECONDS, "\n".join(of_bad.lines())
    check_taken_back(production, before, healthy, reason="UNREACHABLE: ")
    assert says in healthy.error
    assert of_healthy.bad == 0, "\n".join(of_healthy.lines())


def test_an_api_server_that_dies_in_a_rollback_does_not_stop_it(production: Stack) -> None:
    before = serving(production)
    wanted = settings({"FAULT_ERROR_RATE": "1"})

    with production.load(RATE), running(production, *UP, settings=wanted) as run:
        run.says("rollback: going back to")
        kill_api_server(production.world)
        result = run.result()

    check_taken_back(production, before, result, reason="requests to the canary ended with an error")
    check_preview_is_true(production)


def test_an_api_server_that_dies_in_a_gate_stops_nothing_and_loses_no_request(production: Stack) -> None:
    before = serving(production)
    wanted = settings(HEALTHY, {"minimum_seconds": 10})

    with production.load(RATE) as load, running(production, *UP, settings=wanted) as run:
        run.until(lambda: deployment(production, names(production).canary)["status"].get("readyReplicas", 0) > 0, "it")
        kill_api_server(production.world)
        result = run.result()
    found = account(load.results())

    check_promoted(production, before, result)
    assert found.bad == 0, "\n".join(found.lines())


def test_the_canary_follows_an_autoscaler_and_the_engine_does_not_fight_it(scaled: Stack) -> None:
    before, canary = serving(scaled), names(scaled).canary
    wanted = settings({"NOTE": "scaled"}, {"minimum_seconds": 10}, AUTOSCALED)

    with scaled.load(RATE) as load, running(scaled, *UP, settings=wanted) as run:
        run.until(lambda: deployment(scaled, canary)["spec"]["replicas"] == REPLICAS, "a canary as large as stable")
        more = f"--replicas={SCALED_TO}"
        scaled.world.kubectl.run("scale", f"deployment/{names(scaled).deployment}", more, namespace=scaled.namespace)
        run.until(lambda: deployment(scaled, canary)["spec"]["replicas"] == SCALED_TO, "a canary that follows")
        result = run.result()
    found = account(load.results())

    check_promoted(scaled, before, result, replicas=SCALED_TO)
    assert found.bad == 0, "\n".join(found.lines())
    preview = scaled.pulumi("preview", "--stack", scaled.name, "--expect-no-changes", settings=wanted)
    assert preview.status == 0, preview.text


def test_a_healthy_release_by_the_limits_of_production_loses_none_of_ten_thousand_requests(production: Stack) -> None:
    before = serving(production)
    release = {"application": {"environment": {"NOTE": "by all limits"}}}

    with production.load(MANY_RATE) as load, running(production, *UP, settings=release) as run:
        result = run.result()
        load.wait(max(0.0, MANY_REQUESTS - load.count) / MANY_RATE + 1)
    found = account(load.results())
    print(*found.lines(), sep="\n")

    check_promoted(production, before, result)
    assert found.total >= MANY_REQUESTS
    assert found.bad == 0, "\n".join(found.lines())
