"""With what a release was begun: the facts that its record starts with."""

from __future__ import annotations

from typing import Any

from checks.reader import Unreachable
from checks.waiting import Reporter
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.migration.record import MigrationRecord
from cluster.release import Release
from cluster.releases import VerifiedReleases
from settings import Settings


def begun_with(cluster: Cluster, settings: Settings, release: Release, reporter: Reporter) -> dict[str, Any]:
    """Return from which version the release starts, its plan, its limits, and which SQL was approved by whom.

    What cannot be read is left out and told: a record never decides a release.
    """
    rollout, analysis = settings.rollout, settings.analysis
    plan: dict[str, Any] = {"strategy": rollout.strategy, "replicas": rollout.replicas, "capacity": rollout.capacity}
    if rollout.strategy == "canary" and analysis is not None:
        plan |= {"steps": list(rollout.steps), "limits": analysis.model_dump(mode="json")}
    deployment = settings.application.deployment
    try:
        last = VerifiedReleases(cluster, deployment).last()
        migration = MigrationRecord(cluster, deployment).of(release.version, release.image)
    except (ClusterError, Unreachable) as error:
        reporter.line(f"history: what the release was begun with is not all known: {error}")
        return plan
    return {"from": "" if last is None else last.release.version, **plan, **migration}
