"""The limits of the guide, each once: rules, gates, dashboards and documents read them here."""

from __future__ import annotations

from dataclasses import dataclass

from concerns.analysis import AnalysisSettings
from concerns.checklist_sources import BackupSettings
from concerns.monitoring import MonitoringSettings


@dataclass(frozen=True)
class Limits:
    """Above (for the cache and the objective: below) which numbers a release is not as the guide wants it.

    Shares are in percent, times in seconds. `backup_hours` is None where the stack does not say who backs up.
    """

    error_percent: float
    slow_seconds: float
    slow_percent: float
    database_connections_percent: float
    memory_percent: float
    cache_hit_percent: float
    query_seconds: float
    query_slow_percent: float
    availability_percent: float
    restarts: int
    backup_hours: float | None = None

    @property
    def latency_quantile(self) -> float:
        """The quantile of the requests' durations that has to stay below `slow_seconds`, from 0 to 1."""
        return round(1 - self.slow_percent / 100, 10)

    @property
    def query_quantile(self) -> float:
        """The quantile of the queries' durations that has to stay below `query_seconds`, from 0 to 1."""
        return round(1 - self.query_slow_percent / 100, 10)

    @property
    def error_budget(self) -> float:
        """The share of the requests, from 0 to 1, that may fail within the objective's 30 days."""
        return round(1 - self.availability_percent / 100, 10)


# What the guide asks of every release: for stacks whose canary is not judged by numbers of its own.
GUIDE_ERROR_PERCENT = 0.1
GUIDE_SLOW_SECONDS = 0.5
GUIDE_SLOW_PERCENT = 1.0
GUIDE_DATABASE_CONNECTIONS_PERCENT = 80.0
GUIDE_MEMORY_PERCENT = 70.0


def limits_of(
    analysis: AnalysisSettings | None, monitoring: MonitoringSettings, backup: BackupSettings | None = None
) -> Limits:
    """Return the limits of a stack: those of its canary, of its monitoring, and of its backups."""
    error_percent = GUIDE_ERROR_PERCENT if analysis is None else analysis.error_percent
    wanted = monitoring.availability_percent
    return Limits(
        error_percent=error_percent,
        slow_seconds=GUIDE_SLOW_SECONDS if analysis is None else analysis.slow_seconds,
        slow_percent=GUIDE_SLOW_PERCENT if analysis is None else analysis.slow_percent,
        database_connections_percent=(
            GUIDE_DATABASE_CONNECTIONS_PERCENT if analysis is None else analysis.database_connections_percent
        ),
        memory_percent=GUIDE_MEMORY_PERCENT if analysis is None else analysis.memory_percent,
        cache_hit_percent=monitoring.cache_hit_percent,
        query_seconds=monitoring.query_seconds,
        query_slow_percent=monitoring.query_slow_percent,
        availability_percent=round(100 - error_percent, 10) if wanted is None else wanted,
        restarts=monitoring.restarts,
        backup_hours=None if backup is None else backup.maximum_age_hours,
    )
