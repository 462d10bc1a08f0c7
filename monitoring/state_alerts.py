"""An alert for each state of pods, release, migration and backup that nobody should have to discover."""

from __future__ import annotations

import math

from cluster.names import CANARY, STABLE
from monitoring.queries import UP, Queries
from monitoring.rule import Alert, Group, Severity, number
from monitoring.subject import Watched

WATCHDOG = "ReleaseManagerWatchdog"
# Series of kube-state-metrics; without it (monitoring.kube_state_metrics: false) no alert reads them.
READY_REPLICAS = "kube_deployment_status_replicas_ready"
WANTED_REPLICAS = "kube_deployment_spec_replicas"
FAILED_JOBS = "kube_job_status_failed"
SECONDS_PER_HOUR = 3600


def state_alerts(watched: Watched) -> Group:
    """Return the alerts on pods, held releases, failed Jobs and backups, and the dead man's switch."""
    settings = watched.settings
    least = watched.least_pods
    alerts = [
        _not_answering(watched, least, "warning", for_seconds=180),
        # Fewer than half: the rest can hardly carry the requests of all.
        _not_answering(watched, math.ceil(least / 2), "critical", for_seconds=60),
        _held(watched),
        _watchdog(watched),
    ]
    if settings.kube_state_metrics:
        alerts += [_not_ready(watched), _migration_failed(watched), _watch_failed(watched)]
    if watched.backup_query and watched.limits.backup_hours is not None:
        alerts += _backup(watched, watched.backup_query, watched.limits.backup_hours)
    return Group("release-manager.state", tuple(alerts))


def _not_answering(watched: Watched, least: int, severity: Severity, *, for_seconds: int) -> Alert:
    pods = Queries(watched).series(UP, f'track=~"{watched.answering_tracks}"')
    return Alert(
        name="ReleaseManagerPodsNotAnswering",
        about="pods not answering",
        severity=severity,
        # Where none answers there is no series at all, and the count is 0.
        expr=f"(count({pods} == 1) or vector(0)) < {least}",
        for_seconds=for_seconds,
        summary=f"{{{{ $value }}}} pods in {watched.namespace} answer Prometheus, and {watched.least_pods} should",
        gates=True,
    )


def _not_ready(watched: Watched) -> Alert:
    names = watched.names
    of_ours = f'namespace="{watched.namespace}", deployment=~"{names.deployment}|{names.canary}"'
    missing = f"{WANTED_REPLICAS}{{{of_ours}}} - {READY_REPLICAS}{{{of_ours}}} > 0"
    by = f"sum by (namespace, deployment) ({missing})"
    stable = f'label_replace({by}, "track", "{STABLE}", "deployment", "{names.deployment}")'
    return Alert(
        name="ReleaseManagerPodsNotReady",
        about="pods not ready",
        severity="warning",
        expr=f'label_replace({stable}, "track", "{CANARY}", "deployment", "{names.canary}")',
        for_seconds=300,
        summary="{{ $value }} pods of {{ $labels.deployment }} in {{ $labels.namespace }} are not ready",
        gates=True,
    )


def _held(watched: Watched) -> Alert:
    queries = Queries(watched)
    of_canary, of_stable = (queries.series(UP, f'track="{track}"') for track in (CANARY, STABLE))
    canary, versions = f"count by (namespace, track) ({of_canary})", f"count by (namespace, version) ({of_stable})"
    return Alert(
        name="ReleaseManagerReleaseHeld",
        about="release held",
        severity="warning",
        expr=f"{canary} > 0 or count by (namespace) ({versions}) > 1",
        for_seconds=watched.held_seconds,
        summary=(
            f"two versions have stood beside each other in {watched.namespace} for longer than a release may take:"
            " it is held, or its run was killed"
        ),
        gates=False,
    )


def _migration_failed(watched: Watched) -> Alert:
    return Alert(
        name="ReleaseManagerMigrationFailed",
        about="migration failed",
        severity="warning",
        expr=_failed_job(watched, "migration"),
        for_seconds=0,
        summary="the migration {{ $labels.job_name }} in {{ $labels.namespace }} failed",
        gates=False,
    )


def _watch_failed(watched: Watched) -> Alert:
    return Alert(
        name="ReleaseManagerWatchFailed",
        about="watch failed",
        severity="warning",
        expr=_failed_job(watched, "watch"),
        for_seconds=0,
        summary="the watch {{ $labels.job_name }} in {{ $labels.namespace }} failed, so nobody watches the release",
        gates=False,
    )


def _failed_job(watched: Watched, what: str) -> str:
    jobs = f'namespace="{watched.namespace}", job_name=~"{watched.names.record(what)}(-.+)?"'
    return f"max by (namespace, job_name) ({FAILED_JOBS}{{{jobs}}}) > 0"


def _backup(watched: Watched, query: str, hours: float) -> list[Alert]:
    too_old = Alert(
        name="ReleaseManagerBackupTooOld",
        about="backup too old",
        severity="warning",
        expr=f"time() - max({query}) > {number(hours * SECONDS_PER_HOUR)}",
        for_seconds=0,
        summary=(
            f"the newest backup of {watched.namespace} is {{{{ $value | humanizeDuration }}}} old (limit {hours:g} h)"
        ),
        gates=False,
    )
    unknown = Alert(
        name="ReleaseManagerBackupUnknown",
        about="backup unknown",
        severity="warning",
        expr=f"absent({query})",
        for_seconds=600,
        summary=f"nobody says when {watched.namespace} was backed up last",
        gates=False,
    )
    return [too_old, unknown]


def _watchdog(watched: Watched) -> Alert:
    return Alert(
        name=WATCHDOG,
        about="dead man's switch",
        # Always firing: with a severity that gates and people act on it would hold every release.
        severity="none",
        expr="vector(1)",
        for_seconds=0,
        summary=f"always fires: while it arrives, alerts of {watched.namespace} travel the whole way",
        gates=False,
    )
