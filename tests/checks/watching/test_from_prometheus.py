"""Cache hit rate and query p99: above the limit, below it, by chance, without data, without Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from checks.prometheus import Prometheus
from checks.verdict import Kind, Verdict
from checks.watching.from_prometheus import CountedInPrometheus
from tests.checks.fake_prometheus import asking, success, vector

PODS = ("release-manager-prod-1-a", "release-manager-prod-1-b")
SECONDS = 120


def prometheus(counts: Mapping[str, float | str], before: float | str | None = None) -> Prometheus:
    """Return one that answers the rate of so many in two minutes, by a part of the query, and how many there were."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params["query"]
        assert 'namespace="production", pod=~"release-manager-prod-1-a|release-manager-prod-1-b"' in query
        if "rate(" not in query:
            return success({"resultType": "vector", "result": []}) if before is None else vector(({}, str(before)))
        assert "[2m]" in query
        for part, count in counts.items():
            if part in query:
                value = count if isinstance(count, str) else str(count / SECONDS)
                return vector(({}, value))
        return success({"resultType": "vector", "result": []})

    return asking(answer)


def cache(counts: Mapping[str, float | str], before: float | str | None = None) -> Verdict:
    return CountedInPrometheus(prometheus(counts, before), "production", 2, 0.001).cache(PODS, least_hits=0.85)


def queries(counts: Mapping[str, float | str], before: float | str | None = None) -> Verdict:
    return CountedInPrometheus(prometheus(counts, before), "production", 2, 0.001).queries(
        PODS, slow_seconds=0.1, slow_share=0.01
    )


@pytest.mark.parametrize(
    ("hits", "misses", "kind"),
    [(900, 100, Kind.PASS), (500, 500, Kind.FAIL), (1, 1, Kind.TOO_FEW), (0, 0, Kind.NO_DATA), (0, 50, Kind.FAIL)],
)
def test_the_cache_has_to_be_hit_often_enough(hits: int, misses: int, kind: Kind) -> None:
    assert cache({"cache_hits": hits, "cache_misses": misses}).kind is kind


@pytest.mark.parametrize(
    ("fast", "whole", "kind"),
    [(1000, 1000, Kind.PASS), (992, 1000, Kind.PASS), (900, 1000, Kind.FAIL), (9, 10, Kind.TOO_FEW)],
)
def test_queries_have_to_be_fast(fast: int, whole: int, kind: Kind) -> None:
    found = queries({'le=~"0[.]1"': fast, 'le="+Inf"': whole})
    assert found.kind is kind
    assert "took longer than 100 ms" in found.reason


NO_QUERIES, NO_LOOKUPS = {'le=~"0[.]1"': 0, 'le="+Inf"': 0}, {"cache_hits": 0, "cache_misses": 0}


@pytest.mark.parametrize("before", [None, 0, "NaN"])
def test_nothing_counted_by_pods_that_have_never_counted_is_no_data(before: float | str | None) -> None:
    assert (queries(NO_QUERIES, before).kind, cache(NO_LOOKUPS, before).kind) == (Kind.NO_DATA, Kind.NO_DATA)


def test_nothing_counted_by_pods_that_do_count_is_known_to_be_nothing() -> None:
    """All answers may come from the cache for minutes, and then no query is slow."""
    found = queries(NO_QUERIES, 1234)
    assert (found.kind, found.reason) == (Kind.PASS, "no query was made in 2 min; 1,234 before it")
    assert cache(NO_LOOKUPS, 7).reason == "the cache was not asked in 2 min; 7 before it"


def test_a_prometheus_that_falls_silent_in_between_is_unreachable() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return vector(({}, "0")) if "rate(" in request.url.params["query"] else httpx.Response(503)

    found = CountedInPrometheus(asking(answer), "production", 2, 0.001).cache(PODS, least_hits=0.85)
    assert found.kind is Kind.UNREACHABLE


def test_metrics_that_prometheus_does_not_have_are_no_data() -> None:
    assert (cache({}).kind, queries({}).kind) == (Kind.NO_DATA, Kind.NO_DATA)
    assert cache({"cache_hits": 5}).reason == "Prometheus has no misses of the release's pods"
    assert cache({"cache_hits": "NaN", "cache_misses": "NaN"}).kind is Kind.NO_DATA


def test_a_silent_prometheus_is_unreachable() -> None:
    silent = asking(lambda _request: httpx.Response(503))
    assert CountedInPrometheus(silent, "production", 2, 0.001).cache(PODS, least_hits=0.85).kind is Kind.UNREACHABLE


def test_without_pods_nobody_is_asked() -> None:
    counted = CountedInPrometheus(prometheus({}), "production", 2, 0.001)
    assert counted.cache((), least_hits=0.85).kind is Kind.NO_DATA
