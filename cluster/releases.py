"""The record of verified releases: what to go back to.

It is a ConfigMap beside the Deployment that only the gates write. It holds the pod template of each verified release
as the cluster has it, so that going back does not depend on how many ReplicaSets the cluster keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from cluster.api import Cluster, JsonObject
from cluster.config_map import change_config_map
from cluster.errors import ClusterError
from cluster.release import Release

KEPT = 10
_KEY = "verified.json"


class VerifiedRelease(BaseModel):
    """A release that was verified: when, with which pod template, and what the records said then.

    `records` maps the name of a record (a ConfigMap that a gate lets be written) to its data, so that a rollback can
    put the records back too.
    """

    model_config = ConfigDict(frozen=True)

    release: Release
    verified_at: datetime
    template: Mapping[str, Any]
    records: Mapping[str, Mapping[str, str]]


_LIST = TypeAdapter(list[VerifiedRelease])


class VerifiedReleases:
    """Reads and extends the record of verified releases of one Deployment."""

    def __init__(self, cluster: Cluster, deployment: str) -> None:
        self._cluster = cluster
        self.name = f"{deployment}-releases"

    def read(self) -> list[VerifiedRelease]:
        """Return the verified releases, newest first. Raises ClusterError where the record is damaged."""
        return self._parse(self._cluster.config_map(self.name))

    def last(self) -> VerifiedRelease | None:
        """Return the newest verified release, or None before the first."""
        releases = self.read()
        return releases[0] if releases else None

    def add(self, verified: VerifiedRelease) -> None:
        """Put `verified` on top, keeping the last ten. Raises ClusterError if others write it at the same time."""

        def with_it(found: JsonObject | None) -> Mapping[str, str]:
            others = [kept for kept in self._parse(found) if kept.release != verified.release]
            return {_KEY: _LIST.dump_json([verified, *others][:KEPT]).decode()}

        change_config_map(self._cluster, self.name, with_it)

    def _parse(self, found: Mapping[str, Any] | None) -> list[VerifiedRelease]:
        if found is None:
            return []
        try:
            return _LIST.validate_json(found.get("data", {}).get(_KEY, "[]"))
        except ValueError as error:
            raise ClusterError(
                f"ConfigMap {self.name} does not hold a list of verified releases",
                mend=f"kubectl -n {self._cluster.namespace} delete configmap {self.name}; the next verified "
                "release starts a new one",
            ) from error


def snapshot(cluster: Cluster, records: list[str]) -> dict[str, dict[str, str]]:
    """Return the data of the records as they stand; a record that does not exist yet is left out."""
    found = {name: cluster.config_map(name) for name in records}
    return {name: dict(body.get("data", {})) for name, body in found.items() if body is not None}


def verified_now(
    cluster: Cluster, deployment: str, release: Release, records: list[str], wall_clock: Callable[[], datetime]
) -> VerifiedRelease:
    """Return `release` as verified at this moment, with the pod template that the cluster runs."""
    template = cluster.deployment_template(deployment)
    if template is None:
        raise ClusterError(f"Deployment {deployment} is gone", mend="run the same command again")
    return VerifiedRelease(
        release=release,
        verified_at=wall_clock(),
        template=template,
        records=snapshot(cluster, records),
    )
