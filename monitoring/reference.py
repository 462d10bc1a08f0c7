"""The limits as the table that docs/monitoring.md has, so that what is written is what is watched."""

from __future__ import annotations

from collections.abc import Iterator

from concerns.limits import Limits


def limits_table(limits: Limits) -> str:
    """Return the limits as a table of Markdown: what, which limit, which setting, and which alert keeps it."""
    head = ("what", "limit", "setting", "alert (`ReleaseManager...`)")
    lines = [head, tuple("---" for _ in head), *_rows(limits)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(limits: Limits) -> Iterator[tuple[str, str, str, str]]:
    slow, query = 1000 * limits.slow_seconds, 1000 * limits.query_seconds
    yield "errors", f"at most {limits.error_percent:g} % of the requests", "`analysis.error_percent`", "Errors"
    yield (
        "error budget",
        f"{100 * limits.error_budget:g} % of the requests of 30 days",
        "`monitoring.availability_percent`",
        "ErrorBudget",
    )
    yield (
        f"p{100 * limits.latency_quantile:g}",
        f"at most {slow:g} ms",
        "`analysis.slow_seconds`, `analysis.slow_percent`",
        "Latency",
    )
    yield (
        "database connections",
        f"below {limits.database_connections_percent:g} % of a pod's pool",
        "`analysis.database_connections_percent`",
        "DatabaseConnections",
    )
    yield "memory", f"below {limits.memory_percent:g} % of a pod's", "`analysis.memory_percent`", "Memory"
    yield "cache hits", f"at least {limits.cache_hit_percent:g} %", "`monitoring.cache_hit_percent`", "CacheHitRate"
    yield (
        f"p{100 * limits.query_quantile:g} of the queries",
        f"at most {query:g} ms",
        "`monitoring.query_seconds`, `monitoring.query_slow_percent`",
        "QueryLatency",
    )
    yield "restarts", f"fewer than {limits.restarts} of a pod in 15 minutes", "`monitoring.restarts`", "Restarts"
    if limits.backup_hours is not None:
        hours = f"at most {limits.backup_hours:g} h"
        yield "age of the newest backup", hours, "`checklist.backup.maximum_age_hours`", "BackupTooOld, BackupUnknown"
