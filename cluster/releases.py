"""The record of verified releases: what to go back to.

It is a ConfigMap beside the Deployment that only the gates write. It holds the pod template of each verified release
as the cluster has it, so that going back does not depend on how many ReplicaSets the cluster keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from cluster.adoption.standing_by_hand import with_labels
from cluster.api import Cluster, JsonObject
from cluster.config_map import change_config_map
from cluster.errors import ClusterError
from cluster.release import Release
from cluster.rollback.pod_template import what_runs

KEPT = 10
_KEY = "verified.json"


class VerifiedRelease(BaseModel):
    """A release that was verified: when, with which pod template, and what the records said then.

    `records` maps the name of a record (a ConfigMap that a gate lets be written) to its data, so that a rollback can
    put the records back too. `left` says that somebody has gone back from it to an older one: no rollback chooses it by
    itself any more. `adopted` is set where nobody verified it: it served already when its Deployment was
    taken over, `verified_at` is when that was, and its configuration is not known.
    """

    model_config = ConfigDict(frozen=True)

    release: Release
    verified_at: datetime
    template: Mapping[str, Any]
    records: Mapping[str, Mapping[str, str]]
    adopted: bool = False
    left: bool = False


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
        """Return the newest verified release that nobody has gone back from, or None before the first."""
        return next((each for each in self.read() if not each.left), None)

    def before(self, release: Release) -> VerifiedRelease | None:
        """Return what a person means who goes back from `release`: the newest one verified before it, or None."""
        releases = self.read()
        at = next((index for index, each in enumerate(releases) if each.release == release), -1)
        return next((each for each in releases[at + 1 :] if not each.left), None)

    def add(self, verified: VerifiedRelease) -> None:
        """Put `verified` on top, keeping the last ten. Raises ClusterError if others write it at the same time."""
        self._put_on_top(verified, left=False)

    def return_to(self, verified: VerifiedRelease) -> None:
        """Put `verified` on top again, and note that those verified later than it have been left for it.

        Raises ClusterError if others write the record at the same time.
        """
        self._put_on_top(verified, left=True)

    def _put_on_top(self, verified: VerifiedRelease, *, left: bool) -> None:
        def with_it(found: JsonObject | None) -> Mapping[str, str] | None:
            releases = self._parse(found)
            at = next((index for index, each in enumerate(releases) if each.release == verified.release), 0)
            newer = [
                each.model_copy(update={"left": each.left or (left and each.verified_at > verified.verified_at)})
                for each in releases[:at]
            ]
            older = [each for each in releases[at:] if each.release != verified.release]
            wanted = [verified.model_copy(update={"left": False}), *newer, *older][:KEPT]
            return None if wanted == releases else {_KEY: _LIST.dump_json(wanted).decode()}

        change_config_map(self._cluster, self.name, with_it)

    def label(self, labels: Mapping[str, str]) -> None:
        """Give the pod template of every release on record the labels, which the Service did not select by then."""

        def with_them(found: JsonObject | None) -> Mapping[str, str] | None:
            before = self._parse(found)
            after = [each.model_copy(update={"template": with_labels(each.template, labels)}) for each in before]
            return {_KEY: _LIST.dump_json(after).decode()} if after != before else None

        change_config_map(self._cluster, self.name, with_them)

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


def serving_release(cluster: Cluster, deployment: str) -> VerifiedRelease | None:
    """Return which verified release the Deployment is told to run now, or None where it runs none of them.

    What its containers run is compared, not what a person or `kubectl` added to the metadata: after
    `kubectl rollout undo` it is the release that the undo went back to. Raises ClusterError or Unreachable.
    """
    template = cluster.deployment_template(deployment)
    if template is None:
        return None
    runs = what_runs(template)
    return next(
        (each for each in VerifiedReleases(cluster, deployment).read() if what_runs(each.template) == runs), None
    )


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
