"""Whether there is a way back from a release, and if not, why: to be said before it starts."""

from __future__ import annotations

from cluster.api import Cluster
from cluster.migration.record import MigrationRecord
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases


def why_no_way_back(cluster: Cluster, deployment: str, release: Release) -> str | None:
    """Return why `release` could not be taken back if it failed, or None where it could.

    To be asked once the migration of `release` has been planned. Raises ClusterError or Unreachable.
    """
    last = VerifiedReleases(cluster, deployment).last()
    if last is None:
        return "it is the first release here, so there is nothing to go back to"
    if last.release.identity == release.identity:
        return "it is the release that was verified last, so there is nothing else to go back to"
    return contract_since(cluster, deployment, last)


def contract_since(cluster: Cluster, deployment: str, to: VerifiedRelease) -> str | None:
    """Return which migration that `to` cannot run with was let since `to` was verified, or None.

    A waiver lets such a migration through for the update itself; it does not make the old version fit to serve alone
    on the new schema. Raises ClusterError or Unreachable.
    """
    since = [each for each in MigrationRecord(cluster, deployment).contracts() if each.at > to.verified_at]
    if not since:
        return None
    last = since[-1]
    return (
        f"the migration of {last.version} (SQL {last.sha256[:12]}, let at {last.at:%Y-%m-%d %H:%M:%S %Z}) takes away"
        f" what {to.release.version} may still need: {'; '.join(last.waived)[:500]}"
    )
