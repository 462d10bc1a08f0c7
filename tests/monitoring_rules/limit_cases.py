"""For each limit of the guide what is just beyond it, and fires, and what is just within it, and does not."""

from __future__ import annotations

from tests.monitoring_rules.case import RELEASE, VERSION, Case, Fires, Series, histogram, kube, series

MINUTES = 30
OF = f"stable {VERSION} in staging"
POD = f"pod a (stable {VERSION})"
OF_POD = {**RELEASE, "pod": "a"}


def answered(errors: float, *, requests: float = 6000, minutes: int = MINUTES) -> list[Series]:
    """Return so many requests a minute, of which so many fail."""
    return [
        series("release_manager_requests_total", f"0+{requests:g}x{minutes}", status="200"),
        series("release_manager_errors_total", f"0+{errors:g}x{minutes}", type="internal"),
    ]


def requests_slow(slow: float, *, requests: float = 6000) -> list[Series]:
    fast = requests - slow
    buckets = {"le_0_25": 0, "le_0_5": fast, "le_0_75": requests, "inf": requests}
    return histogram("release_manager_request_duration_seconds_bucket", MINUTES, **buckets)


def queries_slow(slow: float) -> list[Series]:
    buckets = {"le_0_075": 0, "le_0_1": 6000 - slow, "le_0_25": 6000, "inf": 6000}
    return histogram("release_manager_db_query_duration_seconds_bucket", MINUTES, **buckets)


def lookups(hits: float, misses: float) -> list[Series]:
    return [
        series("release_manager_cache_hits_total", f"0+{hits:g}x{MINUTES}"),
        series("release_manager_cache_misses_total", f"0+{misses:g}x{MINUTES}"),
    ]


def connections(active: float) -> list[Series]:
    return [
        series("release_manager_db_connections_active", f"{active:g}x{MINUTES}"),
        series("release_manager_db_pool_size", f"10x{MINUTES}"),
    ]


def memory(used: int) -> list[Series]:
    return [series("process_resident_memory_bytes", f"{used}x{MINUTES}")]


def backup(seconds: int) -> list[Series]:
    """Return a backup of so many seconds before promtool's clock begins, at 0."""
    return [kube("kube_cronjob_status_last_successful_time", f"-{seconds}x{MINUTES}", cronjob="database-backup")]


ERRORS = "ReleaseManagerErrors"
LATENCY = "ReleaseManagerLatency"
CONNECTIONS = "ReleaseManagerDatabaseConnections"
MEMORY = "ReleaseManagerMemory"
CACHE = "ReleaseManagerCacheHitRate"
QUERIES = "ReleaseManagerQueryLatency"
RESTARTS = "ReleaseManagerRestarts"
BACKUP = "ReleaseManagerBackupTooOld"

CASES = (
    Case(
        "errors above the limit",
        ERRORS,
        answered(6.6),
        "20m",
        [Fires(RELEASE, f"0.11% of the requests to {OF} fail (limit 0.1 %)")],
    ),
    Case("errors below the limit", ERRORS, answered(5.4), "20m"),
    Case("a single error among few requests is chance", ERRORS, answered(0.2, requests=20), "20m"),
    Case("errors above the limit have to last", ERRORS, answered(6.6), "1m"),
    Case(
        "latency above the limit",
        LATENCY,
        requests_slow(66),
        "20m",
        [Fires(RELEASE, f"p99 of {OF} is 522.7ms (limit 500 ms)")],
    ),
    Case("latency below the limit", LATENCY, requests_slow(54), "20m"),
    Case("a single slow request among few is chance", LATENCY, requests_slow(0.2, requests=10), "20m"),
    Case(
        "database connections at the limit",
        CONNECTIONS,
        connections(8),
        "20m",
        [Fires(OF_POD, f"{POD} uses 80% of its database connections (limit 80 %)")],
    ),
    Case("database connections below the limit", CONNECTIONS, connections(7.9), "20m"),
    Case(
        "memory at the limit",
        MEMORY,
        memory(187904820),
        "20m",
        [Fires(OF_POD, f"{POD} uses 70% of its memory (limit 70 %)")],
    ),
    Case("memory below the limit", MEMORY, memory(187904818), "20m"),
    Case(
        "cache hits below the limit",
        CACHE,
        lookups(849, 151),
        "20m",
        [Fires(RELEASE, f"the cache answers 84.9% for {OF} (limit 85 %)")],
    ),
    Case("cache hits above the limit", CACHE, lookups(851, 149), "20m"),
    Case("few look-ups say nothing of the cache", CACHE, lookups(0, 10), "20m"),
    Case(
        "queries above the limit",
        QUERIES,
        queries_slow(66),
        "20m",
        [Fires(RELEASE, f"p99 of the database queries of {OF} is 113.6ms (limit 100 ms)")],
    ),
    Case("queries below the limit", QUERIES, queries_slow(54), "20m"),
    Case(
        "restarts at the limit",
        RESTARTS,
        [series("process_start_time_seconds", "100x5 200x5 300x20")],
        "14m",
        [Fires(OF_POD, f"{POD} began anew 2 times in 15m (limit 2)")],
    ),
    Case("one restart", RESTARTS, [series("process_start_time_seconds", "100x5 200x25")], "14m"),
    Case(
        "a backup that is too old",
        BACKUP,
        backup(92410),
        "20m",
        [Fires({}, "the newest backup of staging is 1d 2h 0m 10s old (limit 26 h)")],
    ),
    Case("a backup that is young enough", BACKUP, backup(92390), "20m"),
)
