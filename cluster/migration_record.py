"""The record of the last migration plan: what was shown, found and approved, for whoever asks later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from checks.compatibility import Compatibility
from checks.migration_lint import Finding
from checks.migration_plan import MigrationPlan
from cluster.api import Cluster
from cluster.approvals import Approval
from cluster.config_map import change_config_map

SQL_KEY = "migration-output.sql"
# A ConfigMap may have 1 MiB in all.
LONGEST_SQL_BYTES = 800_000


class MigrationRecord:
    """Writes and reads the ConfigMap `<deployment>-migration-plan`."""

    def __init__(self, cluster: Cluster, deployment: str) -> None:
        self._cluster = cluster
        self.name = f"{deployment}-migration-plan"

    def sha256(self) -> str | None:
        """Return the SHA-256 of the SQL that was planned last, or None before the first plan."""
        found = self._cluster.config_map(self.name)
        value: str | None = None if found is None else (found.get("data") or {}).get("sha256")
        return value

    def write(
        self,
        plan: MigrationPlan,
        *,
        image: str,
        version: str,
        findings: Sequence[Finding],
        compatibility: Compatibility,
        approval: Approval | None,
        at: datetime,
    ) -> None:
        """Put this plan in place of the one before. Raises ClusterError or Unreachable."""
        data = {
            "planned_at": at.isoformat(),
            "version": version,
            "image": image,
            "from": plan.from_revision,
            "to": plan.to_revision,
            "revisions": json.dumps(plan.revisions),
            "sha256": plan.sha256,
            "findings": json.dumps([str(finding) for finding in findings]),
            "compatibility": json.dumps(compatibility.lines),
            "approval": approval.model_dump_json() if approval else "",
            SQL_KEY: _sql(plan),
        }
        change_config_map(self._cluster, self.name, lambda _found: data)


def _sql(plan: MigrationPlan) -> str:
    size = len(plan.sql.encode())
    if size <= LONGEST_SQL_BYTES:
        return plan.sql
    return f"-- left out: {size} bytes are more than a ConfigMap can hold; SHA-256 {plan.sha256}\n"
