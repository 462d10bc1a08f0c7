"""Each way in which a pod fails is named, and counts as certain only where waiting cannot help."""

from __future__ import annotations

import pytest

from checks.objects import Pod
from checks.pods import explain_waiting, failing_probe, judge_pods, trouble_of
from checks.verdict import Kind
from tests.checks.fake_reader import FakeReader
from tests.recorded import (
    IMAGE,
    Json,
    container,
    event,
    evicted_pod,
    pod,
    running,
    terminated,
    unschedulable_pod,
    waiting,
)

NAME = "release-manager-dev-66d9f7c4b8-x2x4k"
PULL = "Back-off pulling image: failed to resolve reference: "


def parsed(found: Json) -> Pod:
    return Pod.model_validate(found)


@pytest.mark.parametrize("found", [pod(ready=True), pod(), pod(NAME, container(waiting("ContainerCreating")))])
def test_a_pod_on_its_way_up_is_in_no_trouble(found: Json) -> None:
    assert trouble_of(parsed(found)) is None


def test_a_container_that_did_its_work_is_in_no_trouble() -> None:
    assert trouble_of(parsed(pod(NAME, container(terminated(0, "Completed")), phase="Succeeded"))) is None


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
@pytest.mark.parametrize(
    ("message", "says", "certain"),
    [
        (PULL + "manifest: not found", f"image {IMAGE} is not in the registry", True),
        (PULL + "MANIFEST UNKNOWN", f"image {IMAGE} is not in the registry", True),
        (PULL + "name unknown: repository", f"image {IMAGE} is not in the registry", True),
        (PULL + "401 Unauthorized", f"the registry refuses image {IMAGE} to the cluster", True),
        (PULL + "pull access denied", f"the registry refuses image {IMAGE} to the cluster", True),
        (PULL + "dial tcp: i/o timeout\nmore", "cannot be pulled: Back-off pulling image", False),
        ("", "cannot be pulled: no reason given", False),
    ],
)
def test_an_image_that_cannot_be_pulled_is_certain_only_if_the_registry_said_so(
    *, reason: str, message: str, says: str, certain: bool
) -> None:
    trouble = trouble_of(parsed(pod(NAME, container(waiting(reason, message)), phase="Pending")))
    assert trouble is not None
    assert says in trouble.reason
    assert "\n" not in trouble.reason
    assert trouble.certain is certain
    assert not trouble.has_log


@pytest.mark.parametrize(
    "reason", ["InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"]
)
def test_a_container_that_cannot_be_made_is_certain(reason: str) -> None:
    message = 'secret "release-manager-credentials" not found'
    trouble = trouble_of(parsed(pod(NAME, container(waiting(reason, message)), phase="Pending")))
    assert trouble is not None
    assert (trouble.reason, trouble.certain, trouble.has_log) == (f"{reason}: {message}", True, False)


def test_one_crash_may_be_an_accident() -> None:
    for status in (container(terminated(1)), container(running(), last=terminated(1), restarts=1)):
        trouble = trouble_of(parsed(pod(NAME, status)))
        assert trouble is not None
        assert (trouble.reason, trouble.certain) == ("crashed with exit code 1", False)


def test_the_second_crash_is_certain_and_its_log_is_that_of_the_run_that_ended() -> None:
    between = trouble_of(parsed(pod(NAME, container(running(), last=terminated(3), restarts=2))))
    ended = trouble_of(parsed(pod(NAME, container(terminated(3), last=terminated(3), restarts=1))))
    assert between is not None
    assert ended is not None
    assert between.reason == ended.reason == "crashed with exit code 3, 2 times"
    assert between.certain
    assert ended.certain
    assert (between.previous, ended.previous) == (True, False)


def test_a_crash_loop_is_certain_after_the_first_crash() -> None:
    looping = container(waiting("CrashLoopBackOff", "back-off 10s"), last=terminated(1), restarts=1)
    trouble = trouble_of(parsed(pod(NAME, looping)))
    assert trouble is not None
    assert (trouble.certain, trouble.has_log, trouble.previous) == (True, True, True)


def test_too_much_memory_is_certain_at_once() -> None:
    trouble = trouble_of(parsed(pod(NAME, container(running(), last=terminated(137, "OOMKilled"), restarts=1))))
    assert trouble is not None
    assert trouble.certain
    assert "OOMKilled" in trouble.reason


def test_an_init_container_counts_too() -> None:
    status = {**container(waiting("CreateContainerConfigError", "no such key")), "name": "prepare"}
    trouble = trouble_of(parsed(pod(phase="Pending", initContainerStatuses=[status])))
    assert trouble is not None
    assert trouble.certain


def test_a_pod_that_no_node_takes_may_find_one_later() -> None:
    trouble = trouble_of(parsed(unschedulable_pod()))
    assert trouble is not None
    assert trouble.reason.startswith("no node takes it: 0/1 nodes are available: 1 Insufficient memory")
    assert not trouble.certain


def test_an_evicted_pod_never_comes_back() -> None:
    trouble = trouble_of(parsed(evicted_pod()))
    assert trouble is not None
    assert trouble.certain
    assert trouble.reason.startswith("Evicted: The node was low on resource: memory.")


def test_the_newest_event_tells_which_probe_fails() -> None:
    events = [
        event("Unhealthy", "Startup probe failed: connection refused", about=NAME),
        event("Pulled", "Container image already present", about=NAME),
        event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503\nbody", about=NAME),
        event("Unhealthy", "Readiness probe failed: of another pod", about="another"),
    ]
    reader = FakeReader(the_events=events)
    assert failing_probe(reader, parsed(pod())) == "Readiness probe failed: HTTP probe failed with statuscode: 503"
    assert failing_probe(reader, parsed(pod(ready=True))) is None
    assert failing_probe(reader, parsed(pod(phase="Pending"))) is None
    assert failing_probe(FakeReader(), parsed(pod())) is None


def test_a_certain_failure_is_judged_with_the_last_log_lines() -> None:
    looping = container(waiting("CrashLoopBackOff"), last=terminated(1), restarts=1)
    reader = FakeReader(the_logs={(NAME, True): [f"line {number}" for number in range(30)]})
    verdict = judge_pods(reader, [parsed(pod("a-healthy-one", ready=True)), parsed(pod(NAME, looping))])
    assert verdict is not None
    assert (verdict.kind, verdict.reason) == (Kind.FAIL, f"pod {NAME} crashed with exit code 1")
    assert verdict.details == tuple(f"line {number}" for number in range(20, 30))


def test_an_uncertain_trouble_before_a_certain_one_hides_nothing() -> None:
    broken = pod(NAME, container(waiting("InvalidImageName", "bad")), phase="Pending")
    verdict = judge_pods(FakeReader(), [parsed(unschedulable_pod()), parsed(broken)])
    assert verdict is not None
    assert "InvalidImageName" in verdict.reason


def test_what_may_pass_is_not_judged() -> None:
    assert judge_pods(FakeReader(), [parsed(unschedulable_pod()), parsed(pod(NAME, container(terminated(1))))]) is None
    assert judge_pods(FakeReader(), []) is None


def test_a_log_that_cannot_be_read_does_not_hide_a_certain_failure() -> None:
    looping = container(waiting("CrashLoopBackOff"), last=terminated(1), restarts=1)
    verdict = judge_pods(FakeReader(logs_away=True), [parsed(pod(NAME, looping))])
    assert verdict is not None
    assert verdict.kind is Kind.FAIL
    assert "the kubelet gives no answer" in "".join(verdict.details)


def test_waiting_is_explained_by_the_first_pod_that_is_not_ready() -> None:
    leaving = pod("leaving", container(terminated(1)), leaving=True)
    pods = [parsed(pod("fine", ready=True)), parsed(leaving), parsed(unschedulable_pod())]
    assert explain_waiting(FakeReader(), pods).startswith(f"pod {NAME} no node takes it")
    probe = FakeReader(the_events=[event("Unhealthy", "Startup probe failed", about=NAME)])
    assert explain_waiting(probe, [parsed(pod())]) == f"pod {NAME} Startup probe failed"
    assert explain_waiting(FakeReader(), [parsed(pod())]) == ""
