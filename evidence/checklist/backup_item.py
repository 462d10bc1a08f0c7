"""Item 16: the newest backup of the database is young enough, and not empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lightkube.utils.quantity import parse_quantity

from checks.prometheus import NoValue, Prometheus
from checks.reader import Unreachable
from cluster.api import Cluster, JsonObject
from cluster.errors import ClusterError
from concerns.checklist_sources import (
    BackupSettings,
    CronJobBackupSettings,
    MetricBackupSettings,
    SnapshotBackupSettings,
)
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import NONSENSE, SKEW, duration, moment, not_set, unanswered

BATCH, SNAPSHOTS = "apis/batch/v1", "apis/snapshot.storage.k8s.io/v1"
LOG_LINES = 200


@dataclass(frozen=True)
class Backup:
    """A backup that has succeeded: when, and its size in bytes, None where that cannot be found out any more."""

    at: datetime
    size_bytes: int | None


class _NoBackup(Exception):  # noqa: N818  (it names a state: the place was looked at, and there is none)
    """There is none. The text says of what; `closes` what makes one."""

    def __init__(self, what: str, closes: str) -> None:
        super().__init__(what)
        self.closes = closes


@dataclass(frozen=True)
class _Place:
    source: str
    find: Callable[[], Backup]
    closes: str


def backup_prover(
    wanted: BackupSettings | None,
    *,
    stack: str,
    namespace: str,
    cluster_in: Callable[[str], Cluster],
    ask_prometheus: Callable[[], AbstractContextManager[Prometheus]] | None,
    wall_clock: Callable[[], datetime],
) -> Prover:
    """Return what proves that the database is backed up. `cluster_in` returns the cluster seen from a namespace.

    `ask_prometheus` is None where the stack names no Prometheus.
    """
    if wanted is None:
        return lambda: not_set("checklist.backup", stack, "where the backups can be seen")
    if wanted.metric is not None and ask_prometheus is None:
        return lambda: not_set("prometheus.url", stack, "which Prometheus knows of the backups")

    def prove() -> Proof:
        place = _place(wanted, namespace, cluster_in, ask_prometheus)
        try:
            backup = place.find()
        except _NoBackup as none:
            return Proof(State.MISSING, place.source, str(none), closes=none.closes)
        except (ClusterError, Unreachable, NoValue, *NONSENSE) as error:
            return unanswered(place.source, error, place.closes)
        return _judge(backup, wanted, place, wall_clock())

    return prove


def _place(
    wanted: BackupSettings,
    namespace: str,
    cluster_in: Callable[[str], Cluster],
    ask_prometheus: Callable[[], AbstractContextManager[Prometheus]] | None,
) -> _Place:
    if wanted.metric is not None and ask_prometheus is not None:
        metric = wanted.metric
        closes = "see that Prometheus answers, and what checklist.backup.metric gives there"
        return _Place("Prometheus, by checklist.backup.metric", lambda: _measured(metric, ask_prometheus), closes)
    if wanted.cron_job is not None:
        job = wanted.cron_job
        where = job.namespace or namespace
        closes = f"look at it: kubectl -n {where} describe cronjob {job.name}"
        return _Place(f"CronJob {job.name} in {where}", lambda: _of_cron_job(job, cluster_in(where)), closes)
    snapshot = wanted.snapshot
    if snapshot is None:
        raise AssertionError("the settings name exactly one place")
    where = snapshot.namespace or namespace
    closes = f"look at them: kubectl -n {where} get volumesnapshots"
    source = f"VolumeSnapshots of {snapshot.claim} in {where}"
    return _Place(source, lambda: _of_snapshots(snapshot, cluster_in(where)), closes)


def _judge(backup: Backup, wanted: BackupSettings, place: _Place, now: datetime) -> Proof:
    age = now - backup.at
    size = "" if backup.size_bytes is None else f", {backup.size_bytes:,} bytes"
    seen = f"{duration(age)} old{size}"
    limit = duration(timedelta(hours=wanted.maximum_age_hours))
    if age < -SKEW:
        return unanswered(
            place.source, ValueError(f"it is from the future: {backup.at:%Y-%m-%d %H:%M} UTC"), place.closes
        )
    if age > timedelta(hours=wanted.maximum_age_hours):
        closes = f"make a backup; {place.closes}"
        return Proof(State.EXPIRED, place.source, f"the newest is older than {limit}", seen=seen, closes=closes)
    if backup.size_bytes is None:
        value = f"the newest is younger than {limit}, and how large it is nobody knows"
        return Proof(State.UNKNOWN, place.source, value, seen=seen, closes=f"make a backup; {place.closes}")
    if backup.size_bytes < wanted.minimum_bytes:
        value = f"the newest is smaller than {wanted.minimum_bytes:,} bytes: it counts as empty"
        return Proof(State.MISSING, place.source, value, seen=seen, closes=f"make a whole backup; {place.closes}")
    return Proof(State.PROVEN, place.source, f"the newest is younger than {limit}, and not empty", seen=seen)


def _measured(wanted: MetricBackupSettings, ask_prometheus: Callable[[], AbstractContextManager[Prometheus]]) -> Backup:
    with ask_prometheus() as prometheus:
        at = prometheus.scalar(wanted.last_success)
        if at is None:
            raise _NoBackup(
                "Prometheus has no series of the last backup",
                "see that the backup runs, and that checklist.backup.metric.last_success names its metric",
            )
        size = prometheus.scalar(wanted.size)
    try:
        when = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreachable(f"{at:g} is no moment in Unix seconds") from None
    return Backup(when, None if size is None else int(size))


def _of_cron_job(wanted: CronJobBackupSettings, cluster: Cluster) -> Backup:
    found = cluster.get(BATCH, "cronjobs", wanted.name)
    create = f"kubectl -n {cluster.namespace} create job --from=cronjob/{wanted.name} {wanted.name}-by-hand"
    if found is None:
        closes = "install the backup, or name its CronJob in checklist.backup.cron_job"
        raise _NoBackup("there is no such CronJob", closes)
    at = moment((found.get("status") or {}).get("lastSuccessfulTime"))
    if at is None:
        raise _NoBackup("it has never succeeded", create)
    job = _newest_job(cluster, str(found["metadata"]["uid"]))
    return Backup(at, None if job is None else _logged_size(cluster, job, re.compile(wanted.size_pattern)))


def _newest_job(cluster: Cluster, owner: str) -> str | None:
    """Return the uid of the newest Job of the CronJob that has succeeded, None where none is left."""
    done: list[tuple[str, str]] = []
    for job in cluster.objects(BATCH, "jobs"):
        metadata, status = job["metadata"], job.get("status") or {}
        owners = {each.get("uid") for each in metadata.get("ownerReferences") or ()}
        complete = any(
            each.get("type") == "Complete" and each.get("status") == "True" for each in status.get("conditions") or ()
        )
        if owner in owners and complete:
            done.append((str(status.get("completionTime")), str(metadata["uid"])))
    return max(done)[1] if done else None


def _logged_size(cluster: Cluster, job: str, pattern: re.Pattern[str]) -> int | None:
    for pod in reversed(cluster.pods(f"batch.kubernetes.io/controller-uid={job}")):
        for line in reversed(cluster.logs(pod.metadata.name, lines=LOG_LINES)):
            size = pattern.search(line)
            if size is not None and size[1].isascii() and size[1].isdigit():
                return int(size[1])
    return None


def _of_snapshots(wanted: SnapshotBackupSettings, cluster: Cluster) -> Backup:
    ready = [
        (at, each)
        for each in cluster.objects(SNAPSHOTS, "volumesnapshots")
        if _claim(each) == wanted.claim
        and (each.get("status") or {}).get("readyToUse") is True
        and (at := moment(each["status"].get("creationTime"))) is not None
    ]
    if not ready:
        raise _NoBackup("none is ready to use", f"take a snapshot of {wanted.claim}, and wait until it is ready to use")
    at, newest = max(ready, key=lambda each: each[0])
    size = newest["status"].get("restoreSize")
    return Backup(at, None if size is None else int(parse_quantity(str(size)) or 0))


def _claim(snapshot: JsonObject) -> str | None:
    source: Mapping[str, Any] = (snapshot.get("spec") or {}).get("source") or {}
    return source.get("persistentVolumeClaimName")
