"""A metric over its limit fails a release, one that nobody knows never passes it, and chance is told from a fault."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from checks.analysis.limits import Limits
from checks.key_metrics import connection_limit, memory_limit, pods_of
from checks.release_metrics import ReleaseMetrics
from checks.verdict import Kind, Verdict
from tests.checks.fake_prometheus import asking, by_pod, vector

PODS = ("release-manager-prod-66d9f7c4b8-aaaaa", "release-manager-prod-66d9f7c4b8-bbbbb")
ALLOCATED = 1000.0
SECONDS = 300
GUIDE = Limits()
GOOD = {"errors": 0.0, "requests": 3000.0, "p99": 0.02, "fast": 3000.0, "connections": 0.3, "memory": 0.4}
Answers = Mapping[str, float | httpx.Response | None]


class Asked:
    """A Prometheus that knows these numbers; counts are those of five minutes, None is no series at all."""

    def __init__(self, answers: Answers) -> None:
        self.answers = {**GOOD, **answers}
        self.queries: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params["query"]
        self.queries.append(query)
        name = next(name for name, part in PARTS.items() if part in query)
        found = self.answers[name]
        if isinstance(found, httpx.Response):
            return found
        if found is None:
            return vector()
        if name in {"connections", "memory"}:
            return by_pod(dict.fromkeys(PODS, found))
        return vector(({}, str(found if name == "p99" else found / SECONDS)))


PARTS = {
    "p99": "histogram_quantile",
    "fast": 'le=~"0[.]5"',
    "errors": "release_manager_errors_total",
    "connections": "release_manager_db_connections_active",
    "memory": "process_resident_memory_bytes",
    "requests": "rate(",
}


def metrics(asked: Asked, limits: Limits = GUIDE) -> ReleaseMetrics:
    return ReleaseMetrics(
        asking(asked),
        namespace="production",
        pods=pods_of("release-manager-prod"),
        allocated_bytes=ALLOCATED,
        limits=limits,
        connections=connection_limit(80, looks=1),
        memory=memory_limit(70),
        rate_minutes=5,
    )


def judged(**answers: float | httpx.Response | None) -> Verdict:
    return metrics(Asked(answers)).look(PODS)


def test_good_metrics_pass_with_their_numbers_and_queries() -> None:
    asked = Asked({})
    verdict = metrics(asked).look(PODS)
    assert verdict.kind is Kind.PASS
    assert verdict.numbers == {
        "errors (% of the requests)": 0.0,
        "p99 (ms)": 20.0,
        "database connections (% of the pool)": 30.0,
        "memory (% of the allocated)": 40.0,
    }
    assert "errors: 0 of 3,000 requests in 5 min failed (0.00 %, limit 0.1 %)" in verdict.reason
    assert "p99: 20 ms in 5 min (limit: below 500 ms)" in verdict.reason
    assert (
        "histogram_quantile(0.99, sum by (le) (rate(release_manager_request_duration_seconds_bucket{" in verdict.query
    )
    assert all('namespace="production"' in query for query in asked.queries)
    rates = [query for query in asked.queries if "rate(" in query]
    assert all(f'pod=~"{PODS[0]}|{PODS[1]}"' in query for query in rates), "of the release's own pods, and no others"


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"errors": 30.0}, "errors: 30 of 3,000 requests in 5 min failed (1.0 %, limit 0.1 %)"),
        ({"errors": 3000.0}, "errors: 3,000 of 3,000"),
        (
            {"p99": 0.75, "fast": 2800.0},
            "p99: 750 ms in 5 min (limit: below 500 ms), 200 of 3,000 requests took longer",
        ),
        ({"p99": 0.5, "fast": 2900.0}, "p99: 500 ms in 5 min (limit: below 500 ms), 100 of 3,000"),
        ({"connections": 0.8}, "database connections: pod release-manager-prod-66d9f7c4b8-aaaaa uses 80.0% of"),
        ({"memory": 0.7}, "memory: pod release-manager-prod-66d9f7c4b8-aaaaa uses 70.0% of"),
    ],
)
def test_each_metric_over_its_limit_fails_and_is_named(answers: dict[str, float], says: str) -> None:
    verdict = judged(**answers)
    assert verdict.kind is Kind.FAIL
    assert verdict.reason.startswith(says)
    assert len(verdict.details) == 4, "the others are told, too"


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"errors": 1.0, "requests": 500.0, "fast": 500.0}, "errors: 1 of 500 requests in 5 min failed (0.20 %"),
        ({"p99": 0.6, "requests": 30.0, "fast": 29.0}, "p99: 600 ms in 5 min"),
    ],
)
def test_one_bad_request_among_few_neither_fails_nor_passes(answers: dict[str, float], says: str) -> None:
    verdict = judged(**answers)
    assert verdict.kind is Kind.TOO_FEW
    assert verdict.reason.startswith(says)
    assert verdict.reason.endswith("so few requests cannot be told from chance")


@pytest.mark.parametrize("name", ["errors", "requests", "p99", "fast", "connections", "memory"])
def test_a_metric_without_series_is_no_data(name: str) -> None:
    assert judged(**{name: None}).kind is Kind.NO_DATA


def test_no_request_at_all_is_no_data() -> None:
    assert judged(requests=0.0).kind is Kind.NO_DATA
    nan = vector(({}, "NaN"))
    assert judged(p99=nan).kind is Kind.NO_DATA


def test_a_release_without_a_pod_is_no_data() -> None:
    assert metrics(Asked({})).look(()).kind is Kind.NO_DATA


def test_a_silent_prometheus_is_unreachable_and_asked_no_further() -> None:
    asked = Asked({"errors": httpx.Response(503)})
    assert metrics(asked).look(PODS).kind is Kind.UNREACHABLE
    assert len(asked.queries) == 1


def test_a_failure_outweighs_what_is_not_known() -> None:
    assert judged(errors=3000.0, memory=None).kind is Kind.FAIL


def test_a_limit_of_whole_seconds_finds_its_bucket_however_it_is_written() -> None:
    asked = Asked({})
    metrics(asked, Limits(slow_seconds=1)).look(PODS)
    assert any('le=~"1([.]0)?"' in query for query in asked.queries)
