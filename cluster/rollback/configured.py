"""The way back of a stack, as its settings have it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from checks.health import HealthCheck
from checks.waiting import Clock, Reporter
from cluster.api import Cluster
from cluster.names import Names
from cluster.rollback.rollback import Rollback
from concerns.health import HealthSettings
from concerns.rollout import RolloutSettings


def configured_rollback(
    cluster: Cluster,
    names: Names,
    records: tuple[str, ...],
    *,
    health: HealthSettings,
    health_timeout_seconds: float | None,
    rollout: RolloutSettings,
    client: httpx.Client,
    reporter: Reporter,
    clock: Clock,
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Rollback:
    """Return what takes a release back, and asks /health with `client`. See Rollback and HealthCheck."""
    return Rollback(
        cluster=cluster,
        names=names,
        records=records,
        health=HealthCheck(
            str(health.url),
            attempts=health.attempts,
            interval_seconds=health.interval_seconds,
            timeout_seconds=health.timeout_seconds,
            connect_to=health.connect_to,
            timeout_in_all_seconds=health_timeout_seconds,
            client=client,
            clock=clock,
            wall_clock=wall_clock,
        ),
        timeout_seconds=rollout.timeout_seconds,
        reporter=reporter,
        clock=clock,
        least_serving_share=rollout.least_serving_percent / 100,
        replicas=rollout.replicas if rollout.capacity == "fixed" else None,
    )
