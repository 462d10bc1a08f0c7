"""What the dashboard shows: one definition for Grafana, for its preview, and for all stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from checks.exposition import DURATION, ERRORS
from monitoring.queries import BY_RELEASE, DEPENDENCY_FAILURES, QUERY_DURATION, Queries
from monitoring.subject import Watched

# Grafana's names.
Unit = Literal["reqps", "percentunit", "s", "short", "ops"]
RELEASE = "{{track}} {{version}}"
POD = "{{pod}}"
ALL = ("namespace",)
CPU = "process_cpu_seconds_total"


@dataclass(frozen=True)
class Query:
    """PromQL, and what its series are called; a label stands there in double braces."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One picture. `limit` is a line in the panel's unit; what is good lies below it, or with `above` over it."""

    title: str
    unit: Unit
    queries: tuple[Query, ...]
    meaning: str
    limit: float | None = None
    above: bool = False
    kind: Literal["lines", "heatmap"] = "lines"


@dataclass(frozen=True)
class LogPanel:
    """Lines of the log store, by its own query language."""

    title: str
    query: str
    meaning: str


@dataclass(frozen=True)
class Row:
    """Panels that belong together."""

    title: str
    panels: tuple[Panel | LogPanel, ...]


def rows(watched: Watched) -> tuple[Row, ...]:
    """Return the whole dashboard."""
    queries = Queries(watched)
    return (
        Row("Requests and errors", _requests(queries)),
        Row("Latency", _latency(queries)),
        Row("Stable against canary", _against(queries)),
        Row("Saturation", _saturation(queries)),
        Row("Database", _database(queries)),
        Row("Cache and queue", _cache_and_queue(queries)),
        Row("Logs", _logs(watched)),
    )


def metric_panels(watched: Watched) -> tuple[Panel, ...]:
    """Return the panels that Prometheus answers."""
    return tuple(panel for row in rows(watched) for panel in row.panels if isinstance(panel, Panel))


def _requests(queries: Queries) -> tuple[Panel, ...]:
    limit = queries.watched.limits.error_percent / 100
    by_type = queries.rate(ERRORS, by=("type",))
    return (
        Panel("Requests", "reqps", (Query(queries.requests(), RELEASE),), "API requests answered in a second."),
        Panel(
            "Errors",
            "percentunit",
            (Query(queries.error_ratio(), RELEASE),),
            "Share of the requests that ended with an error. Runbook: ReleaseManagerErrors.",
            limit=limit,
        ),
        Panel("Errors by type", "reqps", (Query(by_type, "{{type}}"),), "Failed requests in a second, by their cause."),
    )


def _latency(queries: Queries) -> tuple[Panel, ...]:
    limits = queries.watched.limits
    quantiles = tuple(dict.fromkeys((0.5, 0.9, limits.latency_quantile)))
    lines = tuple(Query(queries.request_seconds(each, ALL), f"p{100 * each:g}") for each in quantiles)
    buckets = queries.rate(DURATION, by=("le",))
    return (
        Panel(
            "Latency",
            "s",
            lines,
            f"Quantiles of all versions together; p{100 * limits.latency_quantile:g} has to stay below the line.",
            limit=limits.slow_seconds,
        ),
        Panel(
            f"p{100 * limits.latency_quantile:g} of stable and canary",
            "s",
            (Query(queries.request_seconds(limits.latency_quantile), RELEASE),),
            "Each version for itself. Runbook: ReleaseManagerLatency.",
            limit=limits.slow_seconds,
        ),
        Panel("Durations", "s", (Query(buckets, "{{le}}"),), "How many requests took how long.", kind="heatmap"),
    )


def _against(queries: Queries) -> tuple[Panel, ...]:
    by_track = queries.requests(("track",))
    share = f"{by_track} / ignoring (track) group_left () sum ({by_track})"
    return (
        Panel("Pods", "short", (Query(queries.answering(), RELEASE),), "Pods that answer Prometheus, by version."),
        Panel(
            "Share of the requests", "percentunit", (Query(share, "{{track}}"),), "A canary gets as much as its step."
        ),
        Panel(
            "Slow requests",
            "percentunit",
            (Query(f"({queries.slow_requests()}) / {queries.requests()}", RELEASE),),
            "Share of the requests that took longer than the limit of the latency.",
            limit=queries.watched.limits.slow_percent / 100,
        ),
    )


def _saturation(queries: Queries) -> tuple[Panel, ...]:
    cpu = queries.rate(CPU, by=(*BY_RELEASE, "pod"))
    return (
        Panel(
            "Memory",
            "percentunit",
            (Query(queries.memory_share(), POD),),
            "Share of the memory that each pod is allocated. Runbook: ReleaseManagerMemory.",
            limit=queries.watched.limits.memory_percent / 100,
        ),
        Panel("CPU", "short", (Query(cpu, POD),), "CPU seconds that each pod uses in a second."),
        Panel(
            "Restarts",
            "short",
            (Query(queries.restarts("15m"), POD),),
            "Within a quarter of an hour.",
            limit=queries.watched.limits.restarts,
        ),
    )


def _database(queries: Queries) -> tuple[Panel, ...]:
    limits = queries.watched.limits
    return (
        Panel(
            "Database connections",
            "percentunit",
            (Query(queries.connection_share(), POD),),
            "Share of its pool that each pod uses. Runbook: ReleaseManagerDatabaseConnections.",
            limit=limits.database_connections_percent / 100,
        ),
        Panel(
            f"p{100 * limits.query_quantile:g} of the queries",
            "s",
            (Query(queries.query_seconds(limits.query_quantile), RELEASE),),
            "How long database queries take. Runbook: ReleaseManagerQueryLatency.",
            limit=limits.query_seconds,
        ),
        Panel(
            "Queries",
            "ops",
            (Query(queries.rate(QUERY_DURATION, 'le="+Inf"'), RELEASE),),
            "Database queries in a second.",
        ),
    )


def _cache_and_queue(queries: Queries) -> tuple[Panel, ...]:
    failures = queries.rate(DEPENDENCY_FAILURES, by=(*BY_RELEASE, "dependency"))
    return (
        Panel(
            "Cache hits",
            "percentunit",
            (Query(queries.cache_hit_ratio(), RELEASE),),
            "Share of the look-ups that the cache answers. Runbook: ReleaseManagerCacheHitRate.",
            limit=queries.watched.limits.cache_hit_percent / 100,
            above=True,
        ),
        Panel("Cache look-ups", "ops", (Query(queries.lookups(), RELEASE),), "Look-ups in the cache in a second."),
        Panel(
            "Failures of cache and queue",
            "ops",
            (Query(failures, "{{dependency}} {{track}} {{version}}"),),
            "In a second, those that no request failed with. Runbook: ReleaseManagerHealth.",
        ),
    )


def _logs(watched: Watched) -> tuple[LogPanel, ...]:
    def log(level: str, title: str) -> LogPanel:
        # The guide's query; a store whose words are joined by OR needs the AND.
        return LogPanel(title, f"level:{level} AND service:{watched.app}", f"What the application logs as {level}.")

    return (log("ERROR", "Errors in the log"), log("WARN", "Warnings in the log"))
