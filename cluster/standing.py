"""Where a release stands on the cluster before an update begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from checks.rollout import REVISION
from cluster.api import Cluster
from cluster.names import CONFIGURATION, VERSION, Names
from cluster.release import Release
from cluster.releases import VerifiedReleases
from cluster.service_port import ServicePort, service_port

NO_REVISION = "0"
# What the record of a migration says of its release.
MIGRATION_NAMES = ("version", "image", "configuration")


@dataclass(frozen=True)
class Standing:
    """What the cluster says about the release that is asked for.

    `started_from` is the revision of stable at which the release was begun: part of each step's record, so that a
    release that somebody has taken back by hand is measured again. `gone_back` is set where stable runs the release
    already and the records name another one, as after `kubectl rollout undo`; then `migration` is the resource name of
    the migration Job on record. Nothing is to be released then, and the records stay as they are. `port` is that of the
    Service, `replicas` stable's, None where there is no stable; `adopts` says what is, or was, taken over.
    `canary_left` is set where a run that was killed left pods of a canary that this release has no use for. `settled`
    is set where the release was verified and serves: nothing is to be begun.
    """

    started_from: str = NO_REVISION
    gone_back: bool = False
    migration: str | None = None
    port: ServicePort = field(default_factory=ServicePort)
    replicas: int | None = None
    adopts: str = ""
    canary_left: bool = False
    settled: bool = False


def standing(cluster: Cluster, names: Names, first_record: str, asked: Mapping[str, str], *, canary: bool) -> Standing:
    """Return where the release `asked` (version, image, configuration, revision) stands; an unknown image is empty.

    `first_record` is the record that a release writes first, of those that it writes once its image is known. Raises
    ClusterError or Unreachable.
    """
    here = Standing(port=service_port(cluster, names.deployment))
    stable = cluster.get("apis/apps/v1", "deployments", names.deployment)
    if stable is None:
        return here
    here = replace(here, replicas=stable["spec"].get("replicas"))
    revision = stable["metadata"].get("annotations", {}).get(REVISION, NO_REVISION)
    recorded, serves = _data(cluster, first_record), _runs(stable["spec"]["template"], asked)
    verified = serves and _verified(cluster, names, asked)
    here = replace(here, settled=verified and bool(asked.get("image")))
    if canary:
        here = replace(here, canary_left=_canary_is_left(cluster, names, asked, serves=verified))
    if not recorded or not serves:
        return replace(here, started_from=revision)
    # Without a canary a killed update leaves the same picture as a rollback by hand, and has to be verified.
    migrated = _data(cluster, names.record("migration"))
    other = canary and _names_other(recorded, asked, asked)
    if other and not verified:
        return replace(here, started_from=revision)
    # A rollback from a release that was verified finds no Job of the version before: the record stays with the Job.
    gone_back = other or (canary and verified and bool(migrated) and _names_other(migrated, asked, MIGRATION_NAMES))
    migration = migrated.get("resource") if gone_back else None
    started_from = recorded.get("from", revision)
    return replace(here, started_from=started_from, gone_back=gone_back, migration=migration)


def _names_other(recorded: Mapping[str, str], asked: Mapping[str, str], keys: Iterable[str]) -> bool:
    return any(recorded.get(key) != asked[key] for key in keys if asked.get(key))


def _verified(cluster: Cluster, names: Names, asked: Mapping[str, str]) -> bool:
    release = Release.model_validate(asked)
    return any(release.identity == each.release.identity for each in VerifiedReleases(cluster, names.deployment).read())


def _canary_is_left(cluster: Cluster, names: Names, asked: Mapping[str, str], *, serves: bool) -> bool:
    """Whether the canary has pods that are not this release's, or that it has no more need of."""
    canary = cluster.get("apis/apps/v1", "deployments", names.canary)
    if canary is None or not canary["spec"].get("replicas"):
        return False
    return serves or not _runs(canary["spec"]["template"], asked)


def _runs(template: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    metadata, containers = template.get("metadata", {}), template["spec"]["containers"]
    found = {
        "version": metadata.get("labels", {}).get(VERSION),
        "configuration": metadata.get("annotations", {}).get(CONFIGURATION),
        "image": containers[0].get("image"),
    }
    # An image that is not known before it is built is told by its version, which names commit and changes.
    return all(found[key] == asked.get(key) for key in found if asked.get(key))


def _data(cluster: Cluster, name: str) -> dict[str, str]:
    found = cluster.config_map(name)
    return {} if found is None else dict(found.get("data") or {})
