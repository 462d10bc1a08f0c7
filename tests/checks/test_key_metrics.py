"""Database connections and memory: the worst pod decides, a burst fails nothing, and unknown is never a PASS."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from checks.analysis.tally import Tally
from checks.exposition import PodSample, read_sample
from checks.key_metrics import (
    PodLimits,
    PrometheusShareWatch,
    ShareWatch,
    connection_limit,
    connection_query,
    connection_shares,
    memory_limit,
    memory_query,
    memory_shares,
    pods_of,
)
from checks.traffic import TrafficLook
from checks.verdict import Kind, Verdict
from tests.checks.fake_metrics import metrics, without
from tests.checks.fake_prometheus import by_pod, in_turn, vector

ALLOCATED_BYTES = 100e6
PODS = ("canary-1", "canary-2")
CONNECTIONS, MEMORY = connection_limit(80), memory_limit(70)


def test_below_the_limit_passes_and_names_the_worst_pod() -> None:
    verdict = ShareWatch(CONNECTIONS, query="q").judge({"canary-1": 0.5, "canary-2": 0.799}, PODS)
    assert verdict.kind is Kind.PASS
    assert verdict.reason == "pod canary-2 uses 79.9% of its database connections (limit: below 80%)"
    assert verdict.numbers == {"pod": "canary-2", "share": 0.799, "limit": 0.8, "pods": 2}
    assert verdict.query == "q"


def test_a_burst_of_connections_fails_nothing_and_promotes_nothing() -> None:
    watch = ShareWatch(CONNECTIONS)
    kinds = [watch.judge({"canary-1": share}, PODS[:1]).kind for share in (0.8, 0.9, 0.5, 0.9, 1.0, 0.1)]
    few, passes = Kind.TOO_FEW, Kind.PASS
    assert kinds == [few, few, passes, few, few, passes]


def test_connections_above_the_limit_at_three_looks_in_a_row_fail() -> None:
    watch = ShareWatch(CONNECTIONS)
    verdicts = [watch.judge({"canary-1": 0.2, "canary-2": 0.8}, PODS) for _ in range(3)]
    assert [verdict.kind for verdict in verdicts] == [Kind.TOO_FEW, Kind.TOO_FEW, Kind.FAIL]
    assert verdicts[1].reason.endswith("(limit: below 80%), at 2 of 3 looks in a row")
    assert verdicts[2].reason == "pod canary-2 uses 80.0% of its database connections (limit: below 80%)"


def test_bursts_of_different_pods_do_not_add_up() -> None:
    watch = ShareWatch(CONNECTIONS)
    for above in ("canary-1", "canary-2", "canary-1", "canary-2"):
        shares = dict.fromkeys(PODS, 0.1) | {above: 0.95}
        assert watch.judge(shares, PODS).kind is Kind.TOO_FEW


def test_a_pod_that_is_worse_for_a_moment_does_not_hide_one_that_is_bad_all_the_time() -> None:
    watch = ShareWatch(CONNECTIONS)
    watch.judge({"canary-1": 0.85}, PODS[:1])
    watch.judge({"canary-1": 0.85}, PODS[:1])
    verdict = watch.judge({"canary-1": 0.85, "canary-2": 0.99}, PODS)
    assert verdict.kind is Kind.FAIL
    assert "canary-1" in verdict.reason


def test_memory_at_its_limit_fails_at_once() -> None:
    verdict = ShareWatch(MEMORY).judge({"canary-1": 0.7}, PODS[:1])
    assert verdict.kind is Kind.FAIL
    assert verdict.reason == "pod canary-1 uses 70.0% of the memory that it is allocated (limit: below 70%)"


@pytest.mark.parametrize(
    ("shares", "pods", "says"),
    [
        ({}, PODS, "no pod says how much it uses of its database connections"),
        ({"stable-1": 0.1}, PODS, "no pod says"),
        ({"canary-1": 0.1}, (), "no pod says"),
        ({"canary-1": 0.1}, PODS, "1 of 2 pods, canary-2 first, do not say how much they use of its database"),
    ],
)
def test_a_pod_that_says_nothing_is_no_data(shares: Mapping[str, float], pods: tuple[str, ...], says: str) -> None:
    verdict = ShareWatch(CONNECTIONS).judge(shares, pods)
    assert verdict.kind is Kind.NO_DATA
    assert says in verdict.reason


def test_a_pod_that_is_known_to_be_bad_outweighs_one_that_says_nothing() -> None:
    assert ShareWatch(MEMORY).judge({"canary-1": 0.9}, PODS).kind is Kind.FAIL


def test_the_shares_come_from_the_pods_own_answers() -> None:
    samples = {
        "a": read_sample(metrics(connections=7, pool=10, memory=60e6)),
        "b": read_sample(without(metrics(memory=20e6), "pool_size")),
        "c": read_sample(without(metrics(connections=1), "memory_bytes")),
    }
    assert connection_shares(samples) == {"a": 0.7, "c": 0.1}
    assert memory_shares(samples, ALLOCATED_BYTES) == {"a": 0.6, "b": 0.2}


def judged(limits: PodLimits, samples: Mapping[str, PodSample], pods: tuple[str, ...] = PODS) -> Verdict:
    return limits.judge(TrafficLook(Tally(), Tally(), canary_pods=pods, samples=samples))


def limits() -> PodLimits:
    return PodLimits(connections=CONNECTIONS, memory=MEMORY, allocated_bytes=ALLOCATED_BYTES)


def test_a_leak_is_found_in_the_pods_own_answers_without_prometheus() -> None:
    it = limits()
    healthy, leaking = read_sample(metrics(memory=60e6)), read_sample(metrics(memory=71e6))
    assert judged(it, {"canary-1": healthy, "canary-2": healthy}).kind is Kind.PASS
    verdict = judged(it, {"canary-1": healthy, "canary-2": leaking})
    assert verdict.kind is Kind.FAIL
    assert "pod canary-2 uses 71.0% of the memory" in verdict.reason


def test_only_the_canary_is_judged_by_its_limits() -> None:
    samples = {"canary-1": read_sample(metrics()), "stable-1": read_sample(metrics(memory=99e6, connections=10))}
    assert judged(limits(), samples, ("canary-1",)).kind is Kind.PASS


def test_a_failing_share_outweighs_an_unknown_one_and_unknown_outweighs_pass() -> None:
    it = limits()
    full = read_sample(without(metrics(connections=10), "memory_bytes"))
    kinds = [judged(it, {"canary-1": full}, ("canary-1",)).kind for _ in range(3)]
    assert kinds == [Kind.NO_DATA, Kind.NO_DATA, Kind.FAIL]


def test_the_default_queries_name_the_namespace_and_the_pods() -> None:
    assert connection_query("production", "canary-.+") == (
        'max by (pod) (release_manager_db_connections_active{namespace="production", pod=~"canary-.+"}'
        ' / release_manager_db_pool_size{namespace="production", pod=~"canary-.+"})'
    )
    assert memory_query("production", 'a\\.b"', 256 * 2**20) == (
        'max by (pod) (process_resident_memory_bytes{namespace="production", pod=~"a\\\\.b\\""}) / 268435456'
    )
    assert pods_of("release-manager-prod-canary") == "release-manager-prod-canary-[a-z0-9]+-[a-z0-9]+"


def test_prometheus_judges_as_the_pods_own_answers_do() -> None:
    above = by_pod({"canary-1": 0.2, "canary-2": 0.9, "stable-1": 1})
    quiet = by_pod({"canary-1": 0.2, "canary-2": 0.3})
    watch = PrometheusShareWatch(in_turn([quiet, above, above, above]), "the query", CONNECTIONS)
    verdicts = [watch.look(PODS) for _ in range(4)]
    assert [verdict.kind for verdict in verdicts] == [Kind.PASS, Kind.TOO_FEW, Kind.TOO_FEW, Kind.FAIL]
    assert verdicts[3].reason == "pod canary-2 uses 90.0% of its database connections (limit: below 80%)"
    assert {verdict.query for verdict in verdicts} == {"the query"}


def test_of_two_series_of_one_pod_the_worse_counts() -> None:
    pod = {"pod": "canary-1"}
    answer = vector(({**pod, "pool": "a"}, "0.9"), ({**pod, "pool": "b"}, "0.1"))
    assert PrometheusShareWatch(in_turn([answer]), "q", MEMORY).look(PODS[:1]).kind is Kind.FAIL


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (vector(), Kind.NO_DATA, "no pod says how much it uses"),
        (by_pod({"stable-1": 0.9}), Kind.NO_DATA, "no pod says how much it uses"),
        (by_pod({"canary-1": 0.2}), Kind.NO_DATA, "canary-2 first"),
        (vector(({"pod": "canary-1"}, "NaN")), Kind.NO_DATA, "answers NaN for pod=canary-1"),
        (vector(({}, "0.3")), Kind.NO_DATA, "without a label pod"),
        (httpx.ConnectError("refused"), Kind.UNREACHABLE, "gives no answer: refused"),
        (httpx.Response(200, text="<html>"), Kind.UNREACHABLE, "answers nonsense"),
    ],
)
def test_no_answer_of_prometheus_passes(answer: httpx.Response | Exception, kind: Kind, says: str) -> None:
    verdict = PrometheusShareWatch(in_turn([answer]), "the query", CONNECTIONS).look(PODS)
    assert verdict.kind is kind
    assert says in verdict.reason
    assert verdict.query == "the query"
