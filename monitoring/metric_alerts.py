"""An alert for each limit of the guide that the application's own metrics tell of."""

from __future__ import annotations

from functools import partial

from checks.exposition import CONNECTIONS, DURATION, ERRORS, MEMORY, POOL_SIZE, REQUESTS, STARTED
from monitoring import recording_rules as recorded
from monitoring.queries import CACHE_HITS, CACHE_MISSES, QUERY_DURATION, Queries, bound
from monitoring.rule import Alert, Group, number
from monitoring.subject import Watched

WINDOW_SECONDS = 300
# So many bad ones in five minutes are more than chance; one slow request of twenty is not a slow release.
LEAST_BAD = 5
LEAST_LOOKUPS = 100
RESTART_WINDOW = "15m"
_OF = "{{ $labels.track }} {{ $labels.version }} in {{ $labels.namespace }}"
_SHARE, _DURATION = "{{ $value | humanizePercentage }}", "{{ $value | humanizeDuration }}"
_POD = "pod {{ $labels.pod }} ({{ $labels.track }} {{ $labels.version }})"


def metric_alerts(watched: Watched) -> Group:
    """Return the alerts on errors, latency, database, cache, memory, dependencies, restarts, and on missing metrics."""
    limits = watched.limits
    mine, enough = partial(_mine, watched), partial(_at_least, watched)
    alerts = (
        _alert(
            "ReleaseManagerErrors",
            "errors",
            f"{mine(recorded.ERROR_RATIO)} > {number(limits.error_percent / 100)}"
            f" and {enough(recorded.ERROR_RATE, LEAST_BAD)}",
            f"{_SHARE} of the requests to {_OF} fail (limit {limits.error_percent:g} %)",
            for_seconds=120,
        ),
        _alert(
            "ReleaseManagerLatency",
            "latency",
            f"{mine(recorded.LATENCY)} > {number(limits.slow_seconds)} and {enough(recorded.SLOW, LEAST_BAD)}",
            f"p{100 * limits.latency_quantile:g} of {_OF} is {_DURATION} (limit {1000 * limits.slow_seconds:g} ms)",
            for_seconds=120,
        ),
        _alert(
            "ReleaseManagerDatabaseConnections",
            "database connections",
            f"{mine(recorded.CONNECTION_SHARE)} >= {number(limits.database_connections_percent / 100)}",
            f"{_POD} uses {_SHARE} of its database connections (limit {limits.database_connections_percent:g} %)",
            for_seconds=60,
        ),
        _alert(
            "ReleaseManagerMemory",
            "memory",
            f"{mine(recorded.MEMORY_SHARE)} >= {number(limits.memory_percent / 100)}",
            f"{_POD} uses {_SHARE} of its memory (limit {limits.memory_percent:g} %)",
            for_seconds=60,
        ),
        _alert(
            "ReleaseManagerCacheHitRate",
            "cache hit rate",
            f"{mine(recorded.CACHE_HIT_RATIO)} < {number(limits.cache_hit_percent / 100)}"
            f" and {enough(recorded.LOOKUPS, LEAST_LOOKUPS)}",
            f"the cache answers {_SHARE} for {_OF} (limit {limits.cache_hit_percent:g} %)",
            for_seconds=600,
        ),
        _alert(
            "ReleaseManagerQueryLatency",
            "query latency",
            f"{mine(recorded.QUERY_LATENCY)} > {number(limits.query_seconds)}"
            f" and {enough(recorded.SLOW_QUERIES, LEAST_BAD)}",
            f"p{100 * limits.query_quantile:g} of the database queries of {_OF} is {_DURATION}"
            f" (limit {1000 * limits.query_seconds:g} ms)",
            for_seconds=300,
        ),
        _alert(
            "ReleaseManagerHealth",
            "health",
            enough(recorded.DEPENDENCY_FAILURES, LEAST_BAD),
            f"{{{{ $labels.dependency }}}} fails {_OF}: {{{{ $value | humanize }}}} times in five minutes",
            for_seconds=120,
        ),
        _alert(
            "ReleaseManagerRestarts",
            "restarts",
            f"{Queries(watched).restarts(RESTART_WINDOW)} >= {limits.restarts}",
            f"{_POD} began anew {{{{ $value }}}} times in {RESTART_WINDOW} (limit {limits.restarts})",
            for_seconds=0,
        ),
        _no_data(watched),
    )
    return Group("release-manager.alerts", alerts)


def _alert(name: str, about: str, expr: str, summary: str, *, for_seconds: int) -> Alert:
    return Alert(name, about, "warning", expr, for_seconds, summary, gates=True)


def _no_data(watched: Watched) -> Alert:
    return Alert(
        name="ReleaseManagerNoData",
        about="no data",
        severity="warning",
        expr=" or ".join(_absent(watched, metric, *matchers) for metric, *matchers in needed(watched)),
        for_seconds=300,
        summary=f"Prometheus has no {{{{ $labels.missing }}}} of stable in {watched.namespace}: its alerts are blind",
        # A gate that finds no data says so itself; and before the very first release there is none.
        gates=False,
    )


def needed(watched: Watched) -> tuple[tuple[str, ...], ...]:
    """Return what the alerts cannot do without: each metric, with the matchers that it has to have a series for."""
    limits = watched.limits
    return (
        (REQUESTS,),
        (ERRORS,),
        (DURATION, bound(limits.slow_seconds)),
        (QUERY_DURATION, bound(limits.query_seconds)),
        (CONNECTIONS,),
        (POOL_SIZE,),
        (MEMORY,),
        (STARTED,),
        (CACHE_HITS,),
        (CACHE_MISSES,),
    )


def _absent(watched: Watched, metric: str, *matchers: str) -> str:
    series = Queries(watched).series(metric, 'track="stable"', *matchers)
    return f'label_replace(absent({series}), "missing", "{metric}", "", "")'


def _mine(watched: Watched, name: str) -> str:
    return f'{name}{{namespace="{watched.namespace}"}}'


def _at_least(watched: Watched, rate: str, least: int) -> str:
    return f"{_mine(watched, rate)} * {WINDOW_SECONDS} >= {least}"
