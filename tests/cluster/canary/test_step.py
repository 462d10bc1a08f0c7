"""One step of a canary, from its scaling to its verdict, on a clock of its own."""

from __future__ import annotations

import pytest

from checks.analysis.limits import StepDemand
from checks.verdict import Kind, Verdict
from cluster.canary.pods import StepPlan
from cluster.canary.step import CanaryStep, StepResult
from tests.cluster.canary_world import GOOD, NAMES, NEW, OLD, Behaviour, CanaryWorld, Measured, step
from tests.fake_time import Told


def run(world: CanaryWorld, plan: StepPlan | None = None, measured: Measured | None = None) -> tuple[StepResult, Told]:
    told = Told()
    with (measured or Measured(world)).instruments() as instruments:
        result = CanaryStep(world, NAMES, plan or step(), instruments, told.reporter, world.time.clock).run()
    return result, told


def test_a_good_canary_passes_once_the_step_s_rate_is_ruled_out() -> None:
    world = CanaryWorld()
    result, told = run(world)
    assert result.verdict.kind is Kind.PASS
    assert world.scaled == [(NAMES.canary, 1)]
    assert 15 <= result.seconds <= 40
    assert result.hurt == 0
    assert "canary" in told.live[-1], "a live line shows what is known"
    assert "to go" in " ".join(told.live), "and how many requests are missing"
    assert "waiting: 0 of 1 new pods are ready" in told.live[0], "or what else is waited for"
    assert "enough requests; measuring for at least 15 s" in run(CanaryWorld(rate=2000))[1].live[-1]


@pytest.mark.parametrize(("errors", "most_seconds", "most_hurt"), [(1.0, 2, 40), (0.05, 6, 6), (0.01, 40, 10)])
def test_errors_fail_it_within_seconds_of_the_first(errors: float, most_seconds: float, most_hurt: int) -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(errors=errors)})
    result, _ = run(world)
    assert result.verdict.kind is Kind.FAIL
    assert "ended with an error" in result.verdict.reason
    assert result.seconds <= world.start_seconds + most_seconds
    assert 0 < result.hurt <= most_hurt


def test_slow_answers_fail_it() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(slow=0.3)})
    result, _ = run(world)
    assert result.verdict.kind is Kind.FAIL
    assert "took longer than 0.5 s" in result.verdict.reason
    assert result.hurt > 0, "who waited that long was hurt, too"


def test_without_traffic_it_never_passes_and_says_so() -> None:
    result, _ = run(CanaryWorld(rate=0.0))
    assert result.verdict.kind is Kind.NO_DATA
    assert "answered no request" in result.verdict.reason
    assert "gave up after 120 s of measuring" in result.verdict.reason


def test_a_canary_that_gets_none_of_the_traffic_never_passes() -> None:
    result, _ = run(CanaryWorld(canary_gets_traffic=False))
    assert result.verdict.kind is Kind.NO_DATA


def test_little_traffic_is_too_few() -> None:
    result, _ = run(CanaryWorld(rate=5.0))
    assert result.verdict.kind is Kind.TOO_FEW
    assert "more to the canary without a fault are needed" in result.verdict.reason


def test_a_crash_after_the_pod_was_ready_fails_it_with_its_last_words() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(crashes_after=10)})
    result, _ = run(world)
    assert result.verdict.kind is Kind.FAIL
    assert "crashed with exit code 1 after it had been ready" in result.verdict.reason
    assert result.verdict.details == (f"last words of {NAMES.canary}-10",)
    assert result.seconds < 15


def test_a_leak_fails_it_before_the_limit_kills_it() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(memory_bytes_per_second=20 * 2**20)})
    result, _ = run(world)
    assert result.verdict.kind is Kind.FAIL
    assert "of the memory that it is allocated (limit: below 70%)" in result.verdict.reason


def test_pods_that_do_not_get_ready_end_it_as_unknown() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(ready=False)})
    result, _ = run(world)
    assert result.verdict.kind is not Kind.PASS
    assert result.verdict.kind is not Kind.FAIL
    assert "0 of 1 new pods are ready" in result.verdict.reason
    assert "gave up after 60 s of waiting for its pods" in result.verdict.reason


@pytest.mark.parametrize("kind", [Kind.NO_DATA, Kind.TOO_FEW, Kind.UNREACHABLE])
def test_what_prometheus_cannot_say_is_never_taken_for_good(kind: Kind) -> None:
    world = CanaryWorld()
    watches = {"alerts": GOOD, "memory": Verdict(kind, "no answer")}
    result, told = run(world, measured=Measured(world, watches=watches))
    assert result.verdict.kind is kind
    assert result.verdict.reason.startswith("memory: no answer")
    assert told.live[-1].endswith("enough requests; waiting: memory: no answer"), "and it is told what is waited for"


def test_an_alert_fails_it() -> None:
    world = CanaryWorld()
    alert = Verdict(Kind.FAIL, "alert HighErrorRate names this release")
    result, _ = run(world, measured=Measured(world, watches={"alerts": alert}))
    assert (result.verdict.kind, result.verdict.reason) == (Kind.FAIL, "alerts: alert HighErrorRate names this release")


def test_a_cluster_that_is_away_for_a_while_is_waited_for() -> None:
    world = CanaryWorld(unreachable=True)
    told = Told()
    with Measured(world).instruments() as instruments:
        running = CanaryStep(world, NAMES, step(), instruments, told.reporter, world.time.clock)
        sleep = world.time.clock.sleep

        def come_back(seconds: float) -> None:
            sleep(seconds)
            world.unreachable = world.time.passed < 10

        running.clock = type(running.clock)(now=world.time.clock.now, sleep=come_back)
        result = running.run()
    assert result.verdict.kind is Kind.PASS
    assert any("the cluster gives no answer" in line for line in told.live)


def test_metrics_that_are_nonsense_are_no_data() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(metrics=lambda: "<html>busy</html>")})
    result, _ = run(world)
    assert result.verdict.kind is Kind.NO_DATA


def test_the_canary_follows_an_autoscaler() -> None:
    world = CanaryWorld()
    world.scale(NAMES.deployment, 18)
    run(world)
    assert (NAMES.canary, 2) in world.scaled


def test_the_last_step_watches_stable_being_replaced_and_passes_when_it_is_whole() -> None:
    world = CanaryWorld()
    world.scale(NAMES.canary, 9)
    world.update_stable()
    result, _ = run(world, step(100), Measured(world, StepDemand(1.0, 0.001, 0.01)))
    assert result.verdict.kind is Kind.PASS
    assert all(pod.metadata.labels["pod-template-hash"] == "new-hash" for pod in world.pods(""))
    assert world.replicas[NAMES.canary] == 9, "the canary keeps its share until the gate lets it go"


def test_a_release_that_gets_bad_only_on_stable_fails_the_last_step_while_old_pods_are_left() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(errors=0.05)})
    world.update_stable()
    result, _ = run(world, step(100), Measured(world, StepDemand(1.0, 0.001, 0.01)))
    assert result.verdict.kind is Kind.FAIL
    assert any(pod.metadata.labels["pod-template-hash"] == "old-hash" for pod in world.pods(""))


def test_the_slow_first_requests_of_a_pod_that_has_just_started_are_not_held_against_it() -> None:
    world = CanaryWorld()
    world.behaviours[NEW] = Behaviour(slow_for=4.0)
    warmed, _ = run(world, step(warm_up_seconds=5.0))
    assert warmed.verdict.kind is Kind.PASS
    other = CanaryWorld()
    other.behaviours[NEW] = Behaviour(slow_for=4.0)
    assert run(other)[0].verdict.kind is Kind.FAIL, "without a warm-up they would be"


def test_errors_count_from_the_first_request_warm_or_not() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(errors=1.0)})
    result, _ = run(world, step(warm_up_seconds=60.0))
    assert (result.verdict.kind, result.seconds < 6) == (Kind.FAIL, True)


def test_a_canary_that_stays_slow_fails_after_its_warm_up() -> None:
    world = CanaryWorld(behaviours={OLD: Behaviour(), NEW: Behaviour(slow=0.3)})
    result, _ = run(world, step(warm_up_seconds=5.0))
    assert result.verdict.kind is Kind.FAIL
    assert result.seconds >= 8


def test_pods_that_a_killed_rollback_took_out_of_the_service_are_replaced_before_anything_is_measured() -> None:
    world = CanaryWorld()
    world.scale(NAMES.canary, 1)
    world.taken_off = {pod.metadata.name for pod in world.pods("") if pod.metadata.labels["track"] == "canary"}
    world.scaled.clear()
    result, _ = run(world)
    assert world.scaled == [(NAMES.canary, 0), (NAMES.canary, 1)]
    assert result.verdict.kind is Kind.PASS
    assert result.seconds < 60


def test_a_killed_rollback_of_the_last_step_is_ended_and_its_release_not_put_before_all_users_again() -> None:
    world = CanaryWorld()
    world.scale(NAMES.canary, 9)
    world.update_stable()
    assert run(world, step(100), Measured(world, StepDemand(1.0, 0.001, 0.01)))[0].verdict.kind is Kind.PASS
    world.taken_off = {pod.metadata.name for pod in world.pods("") if pod.metadata.labels["track"] == "stable"}

    result, _ = run(world, step(100), Measured(world, StepDemand(1.0, 0.001, 0.01)))

    assert (result.verdict.kind, result.seconds) == (Kind.FAIL, 0.0)
    assert "a rollback of it was begun and not ended: 9 of its pods" in result.verdict.reason
