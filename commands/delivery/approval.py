"""Takes the approval that somebody gave on the forge into the record that the gates of a release read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cluster.api import Cluster
from commands.approve import approve
from commands.delivery.errors import DeliveryError
from commands.delivery.surroundings import Surroundings
from evidence.release import read_release
from settings import Settings


def take_approval(
    settings: Settings,
    cluster: Cluster,
    stack: str,
    surroundings: Surroundings,
    *,
    migration: str,
    at: datetime,
) -> list[str]:
    """Record that who let this run into its environment approves this release, and the SQL of that SHA-256 if any.

    Only somebody of approval.approvers counts, by the login that they have on the forge, and never who began the run.
    Raises DeliveryError, EvidenceError, ClusterError, NotTold or Unreachable.
    """
    environment = surroundings.need("DEPLOY_ENVIRONMENT", "the protected environment of this job")
    run = surroundings.need("GITHUB_RUN_ID", "the number of this run")
    signed = surroundings.github().approvers(run, environment)
    allowed = settings.approval.approvers
    by = next((each for each in signed if each in allowed and each != surroundings.actor), None)
    if by is None:
        who = f"approved by {', '.join(signed)}" if signed else "approved by nobody"
        raise DeliveryError(
            f"run {run} was {who} for environment '{environment}', and the approval of {stack} is one of"
            f" {', '.join(allowed) or 'nobody'}, other than {surroundings.actor or 'who began the run'}",
            mend=f"name them as reviewers of environment '{environment}', and by their login in approval.approvers",
        )
    revision = read_release(Path(settings.image.context), settings.release)
    version = revision.version(settings.environment)
    lines = approve(settings, cluster, stack, kind="release", subject=version, by=by, at=at)
    if migration:
        lines += approve(settings, cluster, stack, kind="migration", subject=migration, by=by, at=at)
    return lines
