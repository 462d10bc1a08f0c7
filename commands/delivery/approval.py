"""Takes the approval that somebody gave on the forge into the record that the gates of a release read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from approving import Approving
from cluster.api import Cluster
from commands.approve import FindImage, approve_migration, approve_release
from commands.delivery.errors import DeliveryError
from commands.delivery.surroundings import Surroundings
from evidence.release import read_release
from settings import Settings


def take_approval(
    settings: Settings,
    cluster: Cluster,
    stack: str,
    surroundings: Surroundings,
    find_image: FindImage,
    *,
    migration: str,
    at: datetime,
) -> list[str]:
    """Record that who let this run into its environment approves this release, and the SQL of that SHA-256 if any.

    Only somebody of approval.approvers counts, by the login that they have on the forge, and never who began the run.
    `find_image` is asked for the image of the commit, of which the approval is as well.
    Raises DeliveryError, EvidenceError, ClusterError, NotTold or Unreachable.
    """
    environment = surroundings.need("DEPLOY_ENVIRONMENT", "the protected environment of this job")
    run = surroundings.need("GITHUB_RUN_ID", "the number of this run")
    signed = surroundings.github().approvers(run, environment)
    allowed = settings.approval.approvers
    others = (each for each in signed if each != surroundings.actor)
    by = next((found for each in others if (found := settings.approval.approver(each))), None)
    if by is None:
        who = f"approved by {', '.join(signed)}" if signed else "approved by nobody"
        raise DeliveryError(
            f"run {run} was {who} for environment '{environment}', and the approval of {stack} is one of"
            f" {', '.join(allowed) or 'nobody'}, other than {surroundings.actor or 'who began the run'}",
            mend=f"name them as reviewers of environment '{environment}', and by their login in approval.approvers",
        )
    revision = read_release(Path(settings.image.context), settings.release)
    version = revision.version(settings.environment)
    approving = Approving(settings, cluster)
    lines = approve_release(settings, approving, stack, find_image, version=version, by=by, at=at)
    if migration:
        lines += approve_migration(settings, cluster, stack, sha256=migration, by=by, at=at)
    return lines
