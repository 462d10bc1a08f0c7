"""Approves a release, or the SQL of a migration."""

from __future__ import annotations

import re
from datetime import datetime

from cluster.api import Cluster
from cluster.approval.approvals import ApprovalKind, Approvals
from cluster.errors import ClusterError
from cluster.migration.record import MigrationRecord
from settings import Settings

_SHA256 = re.compile(r"[0-9a-f]{64}")


def approve(
    settings: Settings, cluster: Cluster, stack: str, *, kind: ApprovalKind, subject: str, by: str, at: datetime
) -> list[str]:
    """Record the approval of `subject` by `by` and return what a person reads. Raises ClusterError or Unreachable."""
    if kind == "migration" and _SHA256.fullmatch(subject) is None:
        raise ClusterError(
            f"'{subject[:80]}' is no SHA-256: it has 64 digits of 0-9 and a-f",
            mend=f"copy it from the update's message, or from: make migration-plan STACK={stack}",
        )
    deployment = settings.application.deployment
    approval = Approvals(cluster, deployment, settings.approval.approvers).approve(kind, subject, by, at)
    word = "approved" if (approval.by, approval.at) == (by, at) else "was approved already"
    lines = [f"{kind} {subject} {word} for {stack} by {approval.by} at {approval.at:%Y-%m-%d %H:%M:%S %Z}"]
    planned = MigrationRecord(cluster, deployment).sha256() if kind == "migration" else None
    if kind == "migration" and planned != subject:
        lines.append(f"note: the SQL that an update of {stack} planned last is {planned or 'none'}, not this")
    return [*lines, f"next: make up STACK={stack}"]
