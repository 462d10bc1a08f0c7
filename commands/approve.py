"""Approves a release, or the SQL of a migration."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from approving import Approving
from cluster.api import Cluster
from cluster.approval.approvals import Approvals
from cluster.errors import ClusterError
from cluster.migration.record import MigrationRecord
from evidence.approval.authors import authors_of, own_name
from evidence.approval.subject import Subject
from evidence.git import Revision
from evidence.image import FoundImage
from evidence.release import revision_of
from settings import Settings

FindImage = Callable[[Revision], FoundImage | None]
_SHA256 = re.compile(r"[0-9a-f]{64}")


def approve_migration(
    settings: Settings, cluster: Cluster, stack: str, *, sha256: str, by: str, at: datetime
) -> list[str]:
    """Record the approval of the SQL by `by` and return what a person reads. Raises ClusterError or Unreachable."""
    if _SHA256.fullmatch(sha256) is None:
        raise ClusterError(
            f"'{sha256[:80]}' is no SHA-256: it has 64 digits of 0-9 and a-f",
            mend=f"copy it from the update's message, or from: make migration-plan STACK={stack}",
        )
    deployment = settings.application.deployment
    approval = Approvals(cluster, deployment, settings.approval.approvers).approve("migration", sha256, by, at)
    word = "approved" if (approval.by, approval.at) == (by, at) else "was approved already"
    lines = [f"migration {sha256} {word} for {stack} by {approval.by} at {_moment(approval.at)}"]
    planned = MigrationRecord(cluster, deployment).sha256()
    if planned != sha256:
        lines.append(f"note: the SQL that an update of {stack} planned last is {planned or 'none'}, not this")
    return [*lines, _next(stack)]


def approve_release(
    settings: Settings,
    approving: Approving,
    stack: str,
    find_image: FindImage,
    *,
    version: str,
    by: str,
    at: datetime,
    key: Path | None = None,
) -> list[str]:
    """Approve the version, its commit and its image if there is one, and return what a person reads.

    With `key` the approval is a file that is signed with it, else a record in the cluster. `find_image` is asked for
    the image of the commit. Raises ClusterError, EvidenceError, Unreachable, or OSError where a file cannot be written.
    """
    approving.records.let(by)
    context = Path(settings.image.context)
    revision = revision_of(context, version, settings.release, settings.environment)
    own = own_name(by, settings.approval, authors_of(context, revision.sha))
    if own:
        others = [each for each in settings.approval.approvers if each != by]
        raise ClusterError(
            f"{by} is the author of commit {revision.short} (as {own}), and nobody approves the own release",
            mend=f"one of {', '.join(others)} approves it" if others else "name somebody else in approval.approvers",
        )
    subject = approving.subject(version, revision.sha, find_image(revision))
    if key is not None:
        return [*_sign(approving, subject, by, at, key), _next(stack)]
    if not settings.approval.recorded:
        raise ClusterError(
            f"an approval of {stack} is not recorded in the cluster (approval.recorded)",
            mend=f"sign it: make approve STACK={stack} RELEASE={version} BY={by} SIGN=<SSH key>",
        )
    given = approving.records.approve("release", version, by, at, commit=subject.commit, digest=subject.digest)
    word = "approved" if (given.by, given.at) == (by, at) else "was approved already"
    return [f"release {version} {word} for {stack} by {given.by} at {_moment(given.at)}: {subject.text}", _next(stack)]


def _sign(approving: Approving, subject: Subject, by: str, at: datetime, key: Path) -> list[str]:
    signed = approving.signed
    if signed is None:
        raise ClusterError(
            f"stack {subject.stack} takes no signed approvals",
            mend="set approval.signed.allowed_signers (docs/checklist.md), or leave out SIGN=",
        )
    files = signed.write(subject, by, at, key)
    names = " ".join(str(file.relative_to(signed.project)) for file in files)
    return [
        f"release {subject.version} approved for {subject.stack} by {by} at {_moment(at)}: {subject.text}",
        f"signed: {names}; keep both where the update is run, or add them to {signed.main_branch} (git add -f)",
    ]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


def _next(stack: str) -> str:
    return f"next: make up STACK={stack}"
