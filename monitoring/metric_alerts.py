"""An alert for each limit of the guide that the application's own metrics tell of."""

from __future__ import annotations

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
_POD = "pod {{ $labels.pod }} ({{ $labels.track }} {{ $labels.version }})"


def metric_alerts(watched: Watched) -> Group:
    """Return the alerts on errors, latency, database, cache, memory, dependencies, restarts, and on missing metrics."""
    alerts = (_errors, _latency, _connections, _memory, _cache, _queries, _health, _restarts, _no_data)
    return Group("release-manager.alerts", tuple(alert(watched) for alert in alerts))


def _errors(watched: Watched) -> Alert:
    limit = watched.limits.error_percent
    enough = _at_least(watched, recorded.ERROR_RATE, LEAST_BAD)
    return Alert(
        name="ReleaseManagerErrors",
        about="errors",
        severity="warning",
        expr=f"{_mine(watched, recorded.ERROR_RATIO)} > {number(limit / 100)} and {enough}",
        for_seconds=120,
        summary=f"{{{{ $value | humanizePercentage }}}} of the requests to {_OF} fail (limit {limit:g} %)",
        gates=True,
    )


def _latency(watched: Watched) -> Alert:
    limits = watched.limits
    return Alert(
        name="ReleaseManagerLatency",
        about="latency",
        severity="warning",
        expr=(
            f"{_mine(watched, recorded.LATENCY)} > {number(limits.slow_seconds)}"
            f" and {_at_least(watched, recorded.SLOW, LEAST_BAD)}"
        ),
        for_seconds=120,
        summary=(
            f"p{100 * limits.latency_quantile:g} of {_OF} is {{{{ $value | humanizeDuration }}}}"
            f" (limit {1000 * limits.slow_seconds:g} ms)"
        ),
        gates=True,
    )


def _connections(watched: Watched) -> Alert:
    limit = watched.limits.database_connections_percent
    return Alert(
        name="ReleaseManagerDatabaseConnections",
        about="database connections",
        severity="warning",
        expr=f"{_mine(watched, recorded.CONNECTION_SHARE)} >= {number(limit / 100)}",
        for_seconds=60,
        summary=f"{_POD} uses {{{{ $value | humanizePercentage }}}} of its database connections (limit {limit:g} %)",
        gates=True,
    )


def _memory(watched: Watched) -> Alert:
    limit = watched.limits.memory_percent
    return Alert(
        name="ReleaseManagerMemory",
        about="memory",
        severity="warning",
        expr=f"{_mine(watched, recorded.MEMORY_SHARE)} >= {number(limit / 100)}",
        for_seconds=60,
        summary=f"{_POD} uses {{{{ $value | humanizePercentage }}}} of its memory (limit {limit:g} %)",
        gates=True,
    )


def _cache(watched: Watched) -> Alert:
    limit = watched.limits.cache_hit_percent
    return Alert(
        name="ReleaseManagerCacheHitRate",
        about="cache hit rate",
        severity="warning",
        expr=(
            f"{_mine(watched, recorded.CACHE_HIT_RATIO)} < {number(limit / 100)}"
            f" and {_at_least(watched, recorded.LOOKUPS, LEAST_LOOKUPS)}"
        ),
        for_seconds=600,
        summary=f"the cache answers {{{{ $value | humanizePercentage }}}} for {_OF} (limit {limit:g} %)",
        gates=True,
    )


def _queries(watched: Watched) -> Alert:
    limits = watched.limits
    return Alert(
        name="ReleaseManagerQueryLatency",
        about="query latency",
        severity="warning",
        expr=(
            f"{_mine(watched, recorded.QUERY_LATENCY)} > {number(limits.query_seconds)}"
            f" and {_at_least(watched, recorded.SLOW_QUERIES, LEAST_BAD)}"
        ),
        for_seconds=300,
        summary=(
            f"p{100 * limits.query_quantile:g} of the database queries of {_OF} is"
            f" {{{{ $value | humanizeDuration }}}} (limit {1000 * limits.query_seconds:g} ms)"
        ),
        gates=True,
    )


def _health(watched: Watched) -> Alert:
    return Alert(
        name="ReleaseManagerHealth",
        about="health",
        severity="warning",
        expr=f"{_mine(watched, recorded.DEPENDENCY_FAILURES)} * {WINDOW_SECONDS} >= {LEAST_BAD}",
        for_seconds=120,
        summary=f"{{{{ $labels.dependency }}}} fails {_OF}: {{{{ $value | humanize }}}} times in five minutes",
        gates=True,
    )


def _restarts(watched: Watched) -> Alert:
    limit = watched.limits.restarts
    return Alert(
        name="ReleaseManagerRestarts",
        about="restarts",
        severity="warning",
        expr=f"{Queries(watched).restarts(RESTART_WINDOW)} >= {limit}",
        for_seconds=0,
        summary=f"{_POD} began anew {{{{ $value }}}} times in {RESTART_WINDOW} (limit {limit})",
        gates=True,
    )


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
