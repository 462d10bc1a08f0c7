"""The provers of the items that are proven outside git and the forge: by the cluster and the services around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from checks.migration_lint import Linter, run_squawk
from checks.waiting import Clock
from cluster.api import Cluster, JsonObject
from concerns.analysis import PrometheusSettings
from concerns.approval import ApprovalSettings
from concerns.checklist_sources import ChecklistSources
from concerns.log_store import LogStoreSettings
from concerns.migration import MigrationSettings
from concerns.notify import NotifySettings
from evidence.checklist.announcement_item import announcement_prover
from evidence.checklist.backup_item import backup_prover
from evidence.checklist.dashboard import Dashboard
from evidence.checklist.drill_item import drill_prover
from evidence.checklist.log_item import log_prover
from evidence.checklist.migration_files import MigrationFiles
from evidence.checklist.migration_item import migration_prover
from evidence.checklist.monitoring_item import monitoring_prover
from evidence.checklist.on_call_item import on_call_prover
from evidence.checklist.prometheus_rules import DeclaredAlert, RulesPrometheus
from evidence.checklist.proof import Prover
from evidence.checklist.service import ANSWER_SECONDS
from evidence.checklist.target_item import environment_prover
from evidence.checklist.window_item import window_prover
from notify.channels import Connect


@dataclass(frozen=True)
class ReleaseFacts:
    """What the provers have to know of the release that is about to begin.

    `image` is its reference by digest, None where it is not built yet; `estimated_minutes` and `announcement` (a
    link, or empty) are those of its release file; `alerts` are all that the program declares, and
    `brings_monitoring` tells whether nobody can have loaded them yet, since the release is still to apply them.
    """

    version: str
    image: str | None
    estimated_minutes: int | None
    announcement: str
    alerts: Sequence[DeclaredAlert]
    brings_monitoring: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Infrastructure:
    """What the provers ask, and by which settings of the stack.

    `directory` is the project's, `context` the one that the image is built from. `cluster_in` returns the cluster
    seen from a namespace, `nodes` its nodes as JSON, `connect` a client for an address that follows no redirect,
    `connect_to_logs` the one for the log store; that may raise ClusterError. `dashboard` is None where there is none.
    """

    stack: str
    deployment: str
    directory: Path
    context: Path
    approval: ApprovalSettings
    migration: MigrationSettings
    notify: NotifySettings
    prometheus: PrometheusSettings | None
    sources: ChecklistSources
    dashboard: Dashboard | None
    log_store: LogStoreSettings | None
    cluster: Cluster
    cluster_in: Callable[[str], Cluster]
    nodes: Callable[[], Sequence[JsonObject]]
    connect: Connect
    connect_to_logs: Connect
    clock: Clock = field(default_factory=Clock)
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    linter: Linter = run_squawk

    @property
    def ask_prometheus(self) -> Callable[[], AbstractContextManager[RulesPrometheus]] | None:
        """Return what opens the stack's Prometheus for a few questions; None where it names none."""
        wanted = self.prometheus
        return None if wanted is None else lambda: self._opened(wanted)

    @contextmanager
    def _opened(self, wanted: PrometheusSettings) -> Iterator[RulesPrometheus]:
        url, seconds = str(wanted.url), min(wanted.timeout_seconds, ANSWER_SECONDS)
        with self.connect(url) as client, RulesPrometheus(url, client, seconds) as prometheus:
            yield prometheus


def provers_of_infrastructure(around: Infrastructure, release: ReleaseFacts) -> dict[str, Prover]:
    """Return the provers of items 8, 11, 12, 13, 15, 16, 17, 18 and 19 by the items' names. Asks nobody yet."""
    return {**_planning(around, release), **_approvals(around, release), **_surroundings(around, release)}


def _planning(around: Infrastructure, release: ReleaseFacts) -> dict[str, Prover]:
    files = around.sources.migration
    return {
        "migration": migration_prover(
            around.migration,
            cluster=around.cluster,
            deployment=around.deployment,
            approvers=around.approval.approvers,
            stack=around.stack,
            version=release.version,
            image=release.image,
            files=None if files is None else MigrationFiles(around.context, files.files),
            wall_clock=around.wall_clock,
            linter=around.linter,
        )
    }


def _approvals(around: Infrastructure, release: ReleaseFacts) -> dict[str, Prover]:
    return {
        "window": window_prover(
            around.approval.window,
            estimated_minutes=release.estimated_minutes,
            stack=around.stack,
            wall_clock=around.wall_clock,
        ),
        "announcement": announcement_prover(
            around.sources.announcement,
            around.notify.slack,
            version=release.version,
            stack=around.stack,
            link=release.announcement,
            cluster=around.cluster,
            deployment=around.deployment,
            connect=around.connect,
            clock=around.clock,
            wall_clock=around.wall_clock,
        ),
        "on-call": on_call_prover(
            around.sources.on_call,
            around.notify.pagerduty,
            stack=around.stack,
            connect=around.connect,
            clock=around.clock,
            wall_clock=around.wall_clock,
        ),
    }


def _surroundings(around: Infrastructure, release: ReleaseFacts) -> dict[str, Prover]:
    stack, namespace, sources = around.stack, around.cluster.namespace, around.sources
    return {
        "environment": environment_prover(
            around.cluster,
            nodes=around.nodes,
            deployment=around.deployment,
            stack=stack,
            ask_prometheus=around.ask_prometheus,
        ),
        "backup": backup_prover(
            sources.backup,
            stack=stack,
            namespace=namespace,
            cluster_in=around.cluster_in,
            ask_prometheus=around.ask_prometheus,
            wall_clock=around.wall_clock,
        ),
        "monitoring": monitoring_prover(
            release.alerts,
            around.dashboard,
            around.notify.grafana,
            stack=stack,
            cluster_in=around.cluster_in,
            ask_rules=around.ask_prometheus,
            connect=around.connect,
            clock=around.clock,
            is_pending=release.brings_monitoring,
        ),
        "logs": log_prover(
            around.log_store,
            age_minutes=sources.log_age_minutes,
            runs=lambda: around.cluster.deployment(around.deployment) is not None,
            stack=stack,
            connect=around.connect_to_logs,
            clock=around.clock,
            wall_clock=around.wall_clock,
        ),
        "rollback": drill_prover(
            sources.drill,
            stack=stack,
            directory=around.directory,
            cluster_in=around.cluster_in,
            wall_clock=around.wall_clock,
        ),
    }
