"""The records of the gates: what they said when a release was verified, put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cluster.api import Cluster, JsonObject
from cluster.config_map import change_config_map
from cluster.names import Names
from cluster.releases import VerifiedRelease


def put_back(cluster: Cluster, names: Names, to: VerifiedRelease, records: Iterable[str]) -> int:
    """Let the records say again what they said when `to` was verified, and return how many had to be changed.

    One of `records` that did not exist then is deleted: the engine's next refresh misses it, and the release that was
    left is measured anew. The migration Job that a record names and `to` does not is deleted with it. Where the Job of
    `to` is gone, as once another release was verified after it, the record of the migration stays as it is with its
    Job: put back it would name a Job that the next update makes again. May be repeated. Raises ClusterError or
    Unreachable.
    """
    kept = {name for name, data in to.records.items() if "job" in data and cluster.job(data["job"]) is None}
    wanted: dict[str, Mapping[str, str]] = {name: data for name, data in to.records.items() if name not in kept}
    verified = names.record("verified")
    if cluster.config_map(verified) is not None:
        wanted.setdefault(verified, to.release.model_dump())
    changed = sum(_write(cluster, name, data) for name, data in wanted.items())
    return changed + forget(cluster, (name for name in records if name not in wanted and name not in kept))


def forget(cluster: Cluster, records: Iterable[str]) -> int:
    """Delete the records that there are, and the migration Jobs that they name; return how many there were."""
    gone = 0
    for name in records:
        found = cluster.config_map(name)
        if found is not None:
            _delete_job(cluster, found, keep=None)
            cluster.delete_config_map(name)
            gone += 1
    return gone


def _write(cluster: Cluster, name: str, data: Mapping[str, str]) -> bool:
    changed = False

    def as_it_was(found: JsonObject | None) -> Mapping[str, str] | None:
        nonlocal changed
        if found is not None:
            _delete_job(cluster, found, keep=data.get("job"))
        changed = found is None or (found.get("data") or {}) != data
        return data if changed else None

    change_config_map(cluster, name, as_it_was)
    return changed


def _delete_job(cluster: Cluster, record: JsonObject, *, keep: str | None) -> None:
    job = (record.get("data") or {}).get("job")
    if job and job != keep:
        cluster.delete_job(job)
