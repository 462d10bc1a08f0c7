"""What is watched: the release of one stack, as its series and alerts name it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cluster.names import STABLE, Names
from concerns.analysis import AnalysisSettings
from concerns.application import ApplicationSettings
from concerns.checklist_sources import BackupSettings, ChecklistSources
from concerns.cluster import ClusterSettings
from concerns.contacts import ContactSettings
from concerns.limits import Limits, limits_of
from concerns.monitoring import MonitoringSettings
from concerns.notify import NotifySettings
from concerns.quantity import amount
from concerns.rollout import RolloutSettings

# Of kube-state-metrics.
LAST_SUCCESS = "kube_cronjob_status_last_successful_time"
# A rollout that ends just in time is none that is held.
HELD_MARGIN_SECONDS = 300


class StackSettings(Protocol):
    """What monitoring has to know of a stack's settings."""

    @property
    def environment(self) -> str:
        """Name of the stack."""

    @property
    def cluster(self) -> ClusterSettings:
        """Where the release goes."""

    @property
    def application(self) -> ApplicationSettings:
        """Its pods."""

    @property
    def rollout(self) -> RolloutSettings:
        """How they are replaced."""

    @property
    def analysis(self) -> AnalysisSettings | None:
        """The limits of the canary."""

    @property
    def checklist(self) -> ChecklistSources:
        """Where backups can be seen, and how old one may be."""

    @property
    def contacts(self) -> Sequence[ContactSettings]:
        """Whom to tell."""

    @property
    def notify(self) -> NotifySettings:
        """The escalation."""


@dataclass(frozen=True)
class Watched:
    """The release of one stack. Nothing here changes from one version to the next, so a rollback undoes nothing.

    `allocated_bytes` is the memory of a pod, `least_pods` how many of `answering_tracks` answer at any moment, also
    while a release replaces them; `held_seconds` is how long a release may take before it counts as held.
    `backup_query` is PromQL of the Unix time of the newest backup, empty where Prometheus is not told.
    """

    stack: str
    namespace: str
    app: str
    port: int
    names: Names
    limits: Limits
    settings: MonitoringSettings
    contacts: tuple[ContactSettings, ...]
    notify: NotifySettings
    allocated_bytes: int
    least_pods: int
    answering_tracks: str
    held_seconds: int
    backup_query: str

    @classmethod
    def of(cls, settings: StackSettings, monitoring: MonitoringSettings) -> Watched:
        """Return the release of the stack with these settings."""
        application, rollout = settings.application, settings.rollout
        replicas = rollout.replicas if rollout.autoscaling is None else rollout.autoscaling.minimum
        return cls(
            stack=settings.environment,
            namespace=settings.cluster.namespace,
            app=application.app,
            port=application.port,
            names=Names(application.deployment, application.app),
            limits=limits_of(settings.analysis, monitoring, settings.checklist.backup),
            settings=monitoring,
            contacts=tuple(settings.contacts),
            notify=settings.notify,
            allocated_bytes=int(amount(application.resources.memory_limit)),
            least_pods=max(1, replicas - rollout.max_unavailable),
            # With a fixed capacity the canary's pods are taken from stable's.
            answering_tracks=STABLE if rollout.capacity == "surge" else ".+",
            held_seconds=rollout.timeout_seconds + HELD_MARGIN_SECONDS,
            backup_query=_newest_backup(settings.checklist.backup, settings.cluster.namespace, monitoring),
        )


def _newest_backup(backup: BackupSettings | None, namespace: str, monitoring: MonitoringSettings) -> str:
    if backup is not None and backup.metric is not None:
        return backup.metric.last_success
    if backup is not None and backup.cron_job is not None and monitoring.kube_state_metrics:
        job = backup.cron_job
        return f'{LAST_SUCCESS}{{namespace="{job.namespace or namespace}", cronjob="{job.name}"}}'
    return ""
