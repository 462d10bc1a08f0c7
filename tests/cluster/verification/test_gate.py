"""A release is verified and recorded, or it is taken back; and the text says what, where, why, and what next."""

from __future__ import annotations

import httpx
import pytest

from checks.verdict import Kind, Verdict
from cluster.history.history import History
from cluster.releases import VerifiedReleases
from tests.cluster.api_server import template
from tests.cluster.verification_world import NOW, RECORD, World
from tests.recorded import NAME, SELECTOR, job, pod

BY_HAND = f"kubectl -n development rollout undo deployment/{NAME}"


@pytest.fixture
def world() -> World:
    """Return a world in which v1 is verified."""
    made = World()
    made.up("v1")
    return made


def test_a_good_release_is_recorded_with_its_template_and_records(world: World) -> None:
    world.up("v2")
    assert world.verified() == ["v2", "v1"]
    last = VerifiedReleases(world.server.cluster(), NAME).last()
    assert last is not None
    assert last.template == template("v2")
    record = {"version": "v2", "image": "r@sha256:v2", "configuration": "c0ffee", "revision": "abc", "from": "1"}
    assert last.records == {RECORD: {"version": "v2", "job": "job-of-v2"}, f"{NAME}-verified": record}
    assert last.verified_at == NOW


def test_each_step_is_told_in_order(world: World) -> None:
    assert [line.partition(":")[0] for line in world.told.lines] == ["pods", "logs", "health"]
    assert all(": PASS: " in line for line in world.told.lines)


def test_further_steps_follow_the_health_in_their_order_with_the_version_of_the_release(world: World) -> None:
    world.further = {"smoke tests": Verdict(Kind.PASS, "14 passed"), "integration tests": Verdict(Kind.PASS, "ok")}
    world.told.lines.clear()
    world.up("v2")
    assert [line.partition(":")[0] for line in world.told.lines] == [
        "pods",
        "logs",
        "health",
        "smoke tests",
        "integration tests",
    ]
    assert world.asked == [("smoke tests", "v2"), ("integration tests", "v2")]
    assert world.verified()[0] == "v2"


def test_a_further_step_that_fails_takes_the_release_back_with_its_last_lines(world: World) -> None:
    world.further = {
        "smoke tests": Verdict(Kind.FAIL, "ended with status 1", details=("FAIL /metrics",)),
        "integration tests": Verdict(Kind.PASS, "ok"),
    }
    text = world.fails(lambda: world.up("v2"))
    assert "v2 was taken back in development: step smoke tests ended with FAIL: ended with status 1. v1 serves" in text
    assert text.endswith("\n  | FAIL /metrics")
    assert world.asked == [("smoke tests", "v2")], "no step behind a failed one is run"
    assert world.verified() == ["v1"]


def test_a_further_step_without_an_answer_is_never_good(world: World) -> None:
    world.further = {"smoke tests": Verdict(Kind.NO_DATA, "gave no result within 300 s and was ended")}
    assert "v1 serves again" in world.fails(lambda: world.up("v2"))
    world.when_unknown = "hold"
    assert "release v2 is held" in world.fails(lambda: world.up("v2"))
    assert world.verified() == ["v1"]


def test_errors_in_the_log_are_shown_but_do_not_fail_the_release(world: World) -> None:
    world.server.deploy(template("v2"))
    for name in world.server.logs:
        world.server.logs[name] = ['{"level": "ERROR", "message": "cache is slow"}']
    world.again("v2")
    assert "logs:   | cache is slow" in world.told.lines
    assert world.verified()[0] == "v2"


def test_a_sick_release_goes_back_to_the_last_verified_one_with_its_records(world: World) -> None:
    world.sick = {"v2"}
    text = world.fails(lambda: world.up("v2"))
    assert world.server.deployment is not None
    assert world.server.deployment["spec"]["template"] == template("v1")
    assert world.record() == {"version": "v1", "job": "job-of-v1"}
    assert world.verified() == ["v1"], "a failed release is not recorded"
    assert text.startswith("release v2 was taken back in development: step health ended with FAIL: /health: status is")
    assert "v1 serves again after 4.0 s; mend the release and run the same command" in text
    assert "rollback: going back to v1" in world.told.lines


def test_the_migration_job_of_the_release_that_is_left_is_deleted_and_no_other(world: World) -> None:
    world.sick = {"v2"}
    world.server.jobs = {name: job() for name in ("job-of-v1", "job-of-v2")}
    world.fails(lambda: world.up("v2"))
    assert list(world.server.jobs) == ["job-of-v1"]


def test_a_rollback_to_the_same_migration_keeps_its_job(world: World) -> None:
    world.sick = {"v2"}
    world.server.jobs = {"job-of-v1": job()}
    world.server.deploy(template("v2"))
    world.fails(lambda: world.again("v2"))
    assert list(world.server.jobs) == ["job-of-v1"]


def test_a_record_that_is_gone_is_written_anew_by_a_rollback(world: World) -> None:
    world.sick = {"v2"}
    world.server.deploy(template("v2"))
    del world.server.config_maps[RECORD]
    world.fails(lambda: world.again("v2"))
    assert world.record() == {"version": "v1", "job": "job-of-v1"}


def test_the_rollback_begins_at_once(world: World) -> None:
    world.sick = {"v2"}
    before = world.time.seconds
    world.fails(lambda: world.up("v2"))
    assert world.time.seconds - before == pytest.approx(2 * 2), "only the health of v1 is waited for: three times"


def test_a_crash_loop_is_taken_back_with_its_log_lines(world: World) -> None:
    text = world.fails(lambda: world.up("v2", crash=True))
    assert "step pods ended with FAIL: pod" in text
    assert "crashed with exit code 1, 2 times" in text
    assert text.endswith('\n  | {"level": "INFO", "message": "listening"}')
    assert world.server.version == "v1"


def test_no_step_behind_a_failed_one_is_run(world: World) -> None:
    world.told.lines.clear()
    world.fails(lambda: world.up("v2", crash=True))
    assert not [line for line in world.told.lines if line.startswith(("logs", "health"))]


def test_a_release_after_the_one_taken_back_still_goes_back_to_the_last_verified(world: World) -> None:
    world.sick = {"v2", "v3"}
    world.fails(lambda: world.up("v2"))
    world.fails(lambda: world.up("v3"))
    assert world.server.version == "v1"


def test_the_first_release_has_nothing_to_go_back_to_and_its_pods_are_left() -> None:
    world = World(sick={"v1"})
    text = world.fails(lambda: world.up("v1"))
    assert "release v1 failed in development: step health ended with FAIL" in text
    assert "first release here, so there is nothing to go back to; its pods were left for inspection" in text
    assert f"kubectl -n development describe pods -l {SELECTOR}" in text
    assert world.server.written() == []
    assert world.server.version == "v1"


def test_a_verified_release_that_turns_sick_is_not_replaced_by_itself(world: World) -> None:
    world.sick = {"v1"}
    text = world.fails(lambda: world.again("v1"))
    assert "It is the release that was verified last, so there is nothing else to go back to" in text
    assert not [each for each in world.server.written() if each[0] == "PATCH"]


@pytest.mark.parametrize("kind", ["TOO_FEW", "UNREACHABLE"])
def test_a_step_without_an_answer_is_taken_back_where_so_configured(world: World, kind: str) -> None:
    world.silent = {"v2"}
    text = world.fails(lambda: world.up("v2", stuck=kind == "TOO_FEW"))
    assert f"ended with {kind}: " in text
    assert "was taken back" in text
    assert world.server.version == "v1"


@pytest.mark.parametrize("kind", ["TOO_FEW", "UNREACHABLE"])
def test_a_step_without_an_answer_is_held_where_so_configured(world: World, kind: str) -> None:
    world.when_unknown, world.silent = "hold", {"v2"}
    text = world.fails(lambda: world.up("v2", stuck=kind == "TOO_FEW"))
    assert text.startswith("release v2 is held in development: step ")
    assert f"ended with {kind}: " in text
    assert "Nothing was changed back." in text
    assert "the same command looks again" in text
    assert world.server.version == "v2"
    assert world.record()["version"] == "v2"
    assert world.verified() == ["v1"], "a held release is not verified"


def test_without_leave_to_go_back_by_itself_a_failure_is_held_for_a_person(world: World) -> None:
    world.automatic, world.sick = False, {"v2"}
    text = world.fails(lambda: world.up("v2"))
    assert text.startswith("release v2 is held in development: step health ended with FAIL")
    assert world.server.version == "v2"


def kinds(world: World, number: int) -> list[str]:
    return list(world.server.config_maps[f"{NAME}-release-{number}"]["data"])


def test_each_step_and_the_end_are_added_to_the_record_of_the_release(world: World) -> None:
    world.recorded = True
    world.up("v2")
    assert kinds(world, 1) == ["0001-started", "0002-gate", "0003-gate", "0004-gate", "0005-finished"]
    world.sick = {"v3"}
    world.fails(lambda: world.up("v3"))
    assert [key.partition("-")[2] for key in kinds(world, 2)] == [
        "started",
        "gate",
        "gate",
        "gate",
        "rollback",
        "finished",
    ]
    [failed, verified] = History(world.server.cluster(), NAME).read()
    assert (verified.outcome, verified.cause) == ("verified", "")
    assert failed.outcome == "failed"
    assert failed.cause.startswith("step health ended with FAIL: /health: status is 'unhealthy'")
    world.automatic, world.sick = False, {"v4"}
    world.fails(lambda: world.up("v4"))
    assert History(world.server.cluster(), NAME).read()[0].outcome == "held"


def test_a_failure_is_never_held(world: World) -> None:
    world.when_unknown, world.sick = "hold", {"v2"}
    world.fails(lambda: world.up("v2"))
    assert world.server.version == "v1"


def test_pods_that_log_nothing_are_no_data_and_no_pass(world: World) -> None:
    world.when_unknown = "hold"
    world.server.deploy(template("v2"))
    world.server.logs.clear()
    assert "step logs ended with NO_DATA" in world.fails(lambda: world.again("v2"))


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(403, json={"message": "cannot patch"}), httpx.Response(500), httpx.ReadTimeout("timed out")],
)
def test_a_rollback_that_is_refused_says_so_with_the_command_by_hand(
    world: World, answer: httpx.Response | Exception
) -> None:
    world.sick = {"v2"}
    world.server.fails = lambda request: answer if request.method == "PATCH" else None
    text = world.fails(lambda: world.up("v2"))
    assert text.startswith("release v2 failed in development: step health ended with FAIL")
    assert "THE ROLLBACK FAILED TOO: " in text
    assert "stable cannot be put back: the cluster" in text
    assert f"By hand: {BY_HAND}" in text


def test_a_damaged_record_leaves_the_pods_and_says_so(world: World) -> None:
    world.sick = {"v2"}
    world.server.config_maps[f"{NAME}-releases"]["data"]["verified.json"] = "{"
    text = world.fails(lambda: world.up("v2"))
    assert "THE ROLLBACK FAILED TOO" in text
    assert f"delete configmap {NAME}-releases" in text
    assert f"By hand: {BY_HAND}" in text


@pytest.mark.parametrize("answer", [httpx.Response(409, json={}), httpx.Response(403, json={}), httpx.ReadTimeout("x")])
def test_once_the_pods_are_back_nobody_is_told_to_undo_them_again(
    world: World, answer: httpx.Response | Exception
) -> None:
    world.sick = {"v2"}
    world.server.fails = lambda request: answer if request.method == "PUT" else None
    text = world.fails(lambda: world.up("v2"))
    assert world.server.version == "v1"
    assert "v1 was put back, but" in text
    assert "rollout undo" not in text, "by then it would bring the failed release back"


def test_a_version_before_that_does_not_come_up_is_told(world: World) -> None:
    world.silent = {"v1", "v2"}
    text = world.fails(lambda: world.up("v2"))
    assert "v1 was put back, but" in text
    assert "UNREACHABLE: http://dev-api.internal/health answered 502" in text
    assert "serves again" not in text
    assert f"kubectl -n development describe pods -l {SELECTOR}" in text


def test_a_right_that_is_missing_ends_a_step_without_an_answer(world: World) -> None:
    def forbidden(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(403, json={"message": "cannot get logs"}) if request.url.path.endswith("/log") else None

    world.server.fails = forbidden
    text = world.fails(lambda: world.up("v2"))
    assert "release v2 was taken back in development: step logs ended with UNREACHABLE" in text
    assert "cannot get logs" in text
    assert world.server.version == "v1"


@pytest.mark.parametrize("answer", [httpx.Response(403, json={"message": "cannot put"}), httpx.ReadTimeout("x")])
def test_a_verified_release_that_cannot_be_recorded_is_held_and_says_so(
    world: World, answer: httpx.Response | Exception
) -> None:
    world.server.fails = lambda request: answer if request.method == "PUT" else None
    text = world.fails(lambda: world.up("v2"))
    assert text.startswith("release v2 is held in development: it is healthy, but cannot be recorded as verified: ")
    assert "the same command looks again" in text
    assert world.server.version == "v2"


def test_pods_are_waited_for_no_longer_than_the_rollout_may_take(world: World) -> None:
    world.when_unknown = "hold"
    before = world.time.seconds
    text = world.fails(lambda: world.up("v2", stuck=True))
    assert world.time.seconds - before == 60
    assert "0 of 2 new pods are ready (gave up after 60 s)" in text


def test_pods_are_waited_for_no_longer_than_the_step_may_take(world: World) -> None:
    world.pods_timeout_seconds = 7
    text = world.fails(lambda: world.up("v2", stuck=True))
    assert "step pods ended with TOO_FEW: 0 of 2 new pods are ready (gave up after 7 s)" in text


def test_a_pod_of_the_application_that_another_deployment_owns_has_to_be_ready_too(world: World) -> None:
    stray = pod("release-manager-dev-canary-7c5b8d9f54-abcde", ready=False)
    stray["metadata"]["labels"]["track"] = "canary"
    world.server.deploy(template("v2"))
    world.server.pods.append(stray)
    text = world.fails(lambda: world.again("v2"))
    assert "step pods ended with TOO_FEW: 2 of 3 pods with app=release-manager are ready" in text
    assert "release-manager-dev-canary-7c5b8d9f54-abcde is not ready" in text


def test_the_configuration_goes_back_with_the_image(world: World) -> None:
    world.sick = {"v2"}
    world.fails(lambda: world.up("v2"))
    assert world.server.deployment is not None
    [api] = world.server.deployment["spec"]["template"]["spec"]["containers"]
    assert {"name": "FEATURE", "value": "of-v1"} in api["env"]
