"""Every pod of the application counts, whichever Deployment it is of; one that has ended for good does not."""

from __future__ import annotations

from checks.every_pod import judge_every_pod
from checks.verdict import Kind, Verdict
from tests.checks.fake_reader import FakeReader
from tests.recorded import Json, evicted_pod, pod

SELECTOR = "app=release-manager"


def judged(*pods: Json) -> Verdict:
    return judge_every_pod(FakeReader(the_pods=list(pods)), SELECTOR)


def canary(*, ready: bool, leaving: bool = False) -> Json:
    found = pod("release-manager-dev-canary-7c5b8d9f54-abcde", ready=ready, leaving=leaving)
    found["metadata"]["labels"]["track"] = "canary"
    return found


def test_all_ready_passes() -> None:
    verdict = judged(pod("a", ready=True), canary(ready=True))
    assert (verdict.kind, verdict.reason) == (Kind.PASS, f"2 of 2 pods with {SELECTOR} are ready")


def test_a_canary_that_is_not_ready_is_waited_for_and_named() -> None:
    verdict = judged(pod("a", ready=True), canary(ready=False))
    assert verdict.kind is Kind.TOO_FEW
    assert "1 of 2 pods" in verdict.reason
    assert "release-manager-dev-canary-7c5b8d9f54-abcde is not ready" in verdict.reason


def test_a_pod_on_its_way_out_is_waited_for() -> None:
    assert judged(pod("a", ready=True), canary(ready=True, leaving=True)).kind is Kind.TOO_FEW


def test_an_evicted_pod_is_the_clusters_business() -> None:
    assert judged(pod("a", ready=True), evicted_pod()).kind is Kind.PASS


def test_no_pod_is_no_data_and_no_cluster_unreachable() -> None:
    assert judged().kind is Kind.NO_DATA
    assert judge_every_pod(FakeReader(away=True), SELECTOR).kind is Kind.UNREACHABLE
