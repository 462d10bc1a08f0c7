"""What Prometheus records of a release, for stable and canary apart: alerts and people read it by these names."""

from __future__ import annotations

from checks.exposition import ERRORS
from monitoring.queries import Queries
from monitoring.rule import Group, Recording
from monitoring.subject import Watched

REQUESTS = "release_manager:requests:rate5m"
ERROR_RATIO = "release_manager:error_ratio:rate5m"
ERROR_RATE = "release_manager:errors:rate5m"
LATENCY = "release_manager:request_seconds:quantile5m"
SLOW = "release_manager:slow_requests:rate5m"
QUERY_LATENCY = "release_manager:query_seconds:quantile5m"
SLOW_QUERIES = "release_manager:slow_queries:rate5m"
LOOKUPS = "release_manager:cache_lookups:rate5m"
CACHE_HIT_RATIO = "release_manager:cache_hit_ratio:rate5m"
CONNECTION_SHARE = "release_manager:database_connections:share"
MEMORY_SHARE = "release_manager:memory:share"
DEPENDENCY_FAILURES = "release_manager:dependency_failures:rate5m"
# The guide asks for rate(errors_total[5m]), by this name.
GUIDES_ERRORS = "errors_total"


def recordings(watched: Watched) -> Group:
    """Return what is recorded over the last five minutes, by namespace, track and version."""
    queries, limits = Queries(watched), watched.limits
    return Group(
        "release-manager.recordings",
        (
            # Pod by pod: a rate over a sum would take the restart of one pod for that of a counter.
            Recording(GUIDES_ERRORS, queries.series(ERRORS)),
            Recording(REQUESTS, queries.requests()),
            Recording(ERROR_RATE, queries.errors()),
            Recording(ERROR_RATIO, queries.error_ratio()),
            Recording(LATENCY, queries.request_seconds(limits.latency_quantile)),
            Recording(SLOW, queries.slow_requests()),
            Recording(QUERY_LATENCY, queries.query_seconds(limits.query_quantile)),
            Recording(SLOW_QUERIES, queries.slow_queries()),
            Recording(LOOKUPS, queries.lookups()),
            Recording(CACHE_HIT_RATIO, queries.cache_hit_ratio()),
            Recording(CONNECTION_SHARE, queries.connection_share()),
            Recording(MEMORY_SHARE, queries.memory_share()),
            Recording(DEPENDENCY_FAILURES, queries.dependency_failures()),
        ),
    )
