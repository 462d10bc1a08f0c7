"""A rollout passes only when nothing but the new version is left, and fails as soon as that cannot come."""

from __future__ import annotations

from typing import Any

import pytest

from checks.objects import Pod
from checks.rollout import judge_rollout, split_pods
from checks.verdict import Kind, Verdict
from tests.checks.fake_reader import FakeReader
from tests.recorded import (
    NAME,
    NEW_HASH,
    OLD_HASH,
    SELECTOR,
    Json,
    container,
    deployment,
    event,
    evicted_pod,
    pod,
    replica_set,
    terminated,
    waiting,
)

SETS = [replica_set(OLD_HASH, revision="3"), replica_set(NEW_HASH, revision="4")]
READY = [pod("new-1", ready=True), pod("new-2", ready=True)]


def judge(found: Json | None, pods: list[Json], **fields: Any) -> Verdict:
    fields = {"the_replica_sets": SETS, **fields}
    return judge_rollout(FakeReader(the_deployment=found, the_pods=pods, **fields), NAME, SELECTOR)


def test_it_passes_when_every_replica_is_new_and_available() -> None:
    verdict = judge(deployment(), READY)
    assert (verdict.kind, verdict.reason) == (Kind.PASS, "2 of 2 pods are ready")
    assert verdict.numbers == {"wanted": 2, "updated": 2, "available": 2}
    assert NAME in verdict.query


def test_a_deployment_that_does_not_exist_is_no_data() -> None:
    verdict = judge(None, [])
    assert (verdict.kind, verdict.reason) == (Kind.NO_DATA, f"there is no Deployment {NAME}")


def test_numbers_of_the_version_before_are_never_taken_for_the_new_one() -> None:
    assert judge(deployment(generation=5, observed=4), READY).kind is Kind.NO_DATA


@pytest.mark.parametrize(
    "found",
    [deployment(updated=1), deployment(available=1), deployment(total=3), deployment(updated=3, total=3, available=3)],
)
def test_one_number_that_is_not_yet_right_is_too_few(found: Json) -> None:
    verdict = judge(found, [pod("new-1", ready=True), pod("new-2")])
    assert verdict.kind is Kind.TOO_FEW
    assert verdict.reason == "1 of 2 new pods are ready"


def test_while_waiting_it_says_what_for() -> None:
    events = [event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", about="new-2")]
    verdict = judge(deployment(available=1), [pod("new-1", ready=True), pod("new-2")], the_events=events)
    assert verdict.reason.endswith("pod new-2 Readiness probe failed: HTTP probe failed with statuscode: 503")


def test_an_old_pod_that_is_still_leaving_could_still_answer() -> None:
    old = pod("old-1", template_hash=OLD_HASH, leaving=True, ready=True)
    verdict = judge(deployment(), [*READY, old])
    assert (verdict.kind, verdict.reason) == (Kind.TOO_FEW, "1 pod of the version before is still leaving")


def test_an_old_pod_that_was_evicted_long_ago_answers_nobody_and_holds_up_nothing() -> None:
    assert judge(deployment(), [*READY, evicted_pod()]).kind is Kind.PASS


def test_a_deployment_replaces_an_evicted_pod_so_it_is_not_the_end_of_the_release() -> None:
    evicted = evicted_pod("new-0", template_hash=NEW_HASH)
    assert judge(deployment(), [evicted, *READY]).kind is Kind.PASS
    waits = judge(deployment(available=1), [evicted, pod("new-1", ready=True)])
    assert waits.kind is Kind.TOO_FEW
    assert "pod new-0 Evicted: The node was low on resource" in waits.reason


def test_a_crash_loop_fails_with_its_log_before_any_time_out() -> None:
    crashing = pod("new-1", container(waiting("CrashLoopBackOff"), last=terminated(1), restarts=1))
    verdict = judge(deployment(available=0), [crashing], the_logs={("new-1", True): ["KeyError: 'DATABASE_URL'"]})
    assert verdict.kind is Kind.FAIL
    assert verdict.details == ("KeyError: 'DATABASE_URL'",)


def test_a_crash_of_an_old_pod_is_not_the_fault_of_the_release() -> None:
    crashing = pod("old", container(terminated(1), restarts=5), template_hash=OLD_HASH)
    assert judge(deployment(available=1), [pod("new-1", ready=True), crashing]).kind is Kind.TOO_FEW


def test_a_quota_that_refuses_the_pods_fails_with_the_words_of_the_cluster() -> None:
    message = 'pods "release-manager-dev-66d9f7c4b8-" is forbidden: exceeded quota: compute'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    verdict = judge(deployment(updated=0, available=0, conditions=[refused]), [])
    assert (verdict.kind, verdict.reason) == (Kind.FAIL, f"the cluster refuses the pods (FailedCreate): {message}")
    gone = judge(deployment(conditions=[{**refused, "status": "False"}]), READY)
    assert gone.kind is Kind.PASS


def test_a_cluster_that_gives_no_answer_is_neither_good_nor_bad() -> None:
    assert judge(deployment(), READY, away=True).kind is Kind.UNREACHABLE


def test_a_replica_set_of_somebody_else_is_not_taken_for_the_newest() -> None:
    foreign = replica_set(NEW_HASH, revision="4", owner="somebody-else")
    assert judge(deployment(), READY, the_replica_sets=[foreign]).kind is Kind.TOO_FEW
    assert judge(deployment(), READY, the_replica_sets=[]).kind is Kind.TOO_FEW


def test_pods_are_split_by_the_hash_of_their_template() -> None:
    pods = [Pod.model_validate(found) for found in [*READY, pod("old", template_hash=OLD_HASH)]]
    newest, old = split_pods(pods, NEW_HASH)
    assert [found.metadata.name for found in newest] == ["new-1", "new-2"]
    assert [found.metadata.name for found in old] == ["old"]
    assert split_pods(pods, None) == ([], pods)


def test_what_a_version_that_served_for_weeks_went_through_is_not_held_against_pods_that_run() -> None:
    restarted = container({"running": {}}, last=terminated(1), restarts=7, ready=True)
    pods = [pod("new-1", restarted, ready=True), pod("new-2", ready=True)]
    reader = FakeReader(the_deployment=deployment(), the_pods=pods, the_replica_sets=SETS)
    assert judge_rollout(reader, NAME, SELECTOR).kind is Kind.FAIL
    assert judge_rollout(reader, NAME, SELECTOR, proven=True).kind is Kind.PASS
    busy = FakeReader(
        the_deployment=deployment(available=1),
        the_pods=[pod("new-1", restarted, ready=False), pods[1]],
        the_replica_sets=SETS,
    )
    assert judge_rollout(busy, NAME, SELECTOR, proven=True).kind is Kind.TOO_FEW, "not ready for a moment"
    broken = container(waiting("CrashLoopBackOff"), last=terminated(1), restarts=7)
    reader = FakeReader(
        the_deployment=deployment(available=1), the_pods=[pod("new-1", broken), pods[1]], the_replica_sets=SETS
    )
    assert judge_rollout(reader, NAME, SELECTOR, proven=True).kind is Kind.FAIL
