"""The record of the last migration plan: what was shown, found and approved, for whoever asks later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from checks.compatibility import Compatibility
from checks.migration_lint import Finding
from checks.migration_plan import MigrationPlan
from cluster.api import Cluster, JsonObject
from cluster.approval.approvals import Approval
from cluster.config_map import change_config_map
from cluster.errors import ClusterError

SQL_KEY = "migration-output.sql"
# A ConfigMap may have 1 MiB in all.
LONGEST_SQL_BYTES = 800_000
CONTRACTS_KEPT = 20
_CONTRACTS_KEY = "contracts"


@dataclass(frozen=True)
class Contract:
    """A migration that breaks the version before it and was waived and approved: from then on there is no way back."""

    version: str
    sha256: str
    from_revision: str
    at: datetime
    waived: tuple[str, ...]


_CONTRACTS = TypeAdapter(list[Contract])


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

    def of(self, version: str, image: str) -> dict[str, str]:
        """Return SHA-256 and approval of the SQL that was planned for this release; empty where none was."""
        found = self._cluster.config_map(self.name)
        data: dict[str, str] = {} if found is None else dict(found.get("data") or {})
        if (data.get("version"), data.get("image")) != (version, image):
            return {}
        told = {"sql": data.get("sha256", ""), "sql_approval": data.get("approval", "")}
        return {name: value for name, value in told.items() if value}

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
        """Put this plan in place of the one before. Raises ClusterError or Unreachable.

        The contracts that were let are kept: whoever goes back later has to know of them.
        """
        let = approval is not None and not compatibility.refused
        waived = tuple(str(each) for each, _ in compatibility.waived)
        mine = [Contract(version, plan.sha256, plan.from_revision, at, waived)] if let and waived else []
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

        def with_contracts(found: JsonObject | None) -> Mapping[str, str]:
            # Where the database still is where it was before a contract, that one was never applied.
            applied = [each for each in self._contracts(found) if each.from_revision != plan.from_revision]
            return {**data, _CONTRACTS_KEY: _CONTRACTS.dump_json([*applied, *mine][-CONTRACTS_KEPT:]).decode()}

        change_config_map(self._cluster, self.name, with_contracts)

    def contracts(self) -> list[Contract]:
        """Return the migrations that were let although they break the version before, oldest first.

        Raises ClusterError where the record is damaged, or Unreachable.
        """
        return self._contracts(self._cluster.config_map(self.name))

    def _contracts(self, found: JsonObject | None) -> list[Contract]:
        text = ((found or {}).get("data") or {}).get(_CONTRACTS_KEY, "[]")
        try:
            return _CONTRACTS.validate_json(text)
        except ValueError as error:
            raise ClusterError(
                f"key {_CONTRACTS_KEY} of ConfigMap {self.name} does not hold a list of contracts",
                mend=f"kubectl -n {self._cluster.namespace} delete configmap {self.name}; the next plan starts a new"
                " one, and knows of no contract before it",
            ) from error


def _sql(plan: MigrationPlan) -> str:
    size = len(plan.sql.encode())
    if size <= LONGEST_SQL_BYTES:
        return plan.sql
    return f"-- left out: {size} bytes are more than a ConfigMap can hold; SHA-256 {plan.sha256}\n"
