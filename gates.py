"""What each gate does when its hook runs: the settings of the stack, turned into the gates of `cluster`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from begun_with import begun_with
from canary import Canary
from checklisting import Checklisting
from checks.key_metrics import pods_of
from checks.prometheus import NoValue, Prometheus
from checks.reader import Unreachable
from checks.traffic_now import requests_a_second
from checks.waiting import Clock, Reporter
from cluster.access import connect
from cluster.adoption.adoption import Adopting
from cluster.adoption.refusals import Traffic
from cluster.api import Cluster
from cluster.approval.approvals import Approvals
from cluster.approval.built import BuiltImages
from cluster.canary.gate import CanaryGate
from cluster.errors import ClusterError, GateFailed
from cluster.history.history import WAIVED, ReleaseRecord, who
from cluster.lease.holding import Holding
from cluster.migration.gate import MigrationGate
from cluster.migration.plan_gate import MigrationPlanGate
from cluster.migration.planner import MigrationPlanner
from cluster.migration.record import SQL_KEY, MigrationRecord
from cluster.names import Names
from cluster.release import Release, release_in
from cluster.rollback.configured import configured_rollback
from cluster.rollback.rollback import Rollback
from cluster.rollback.way_back import why_no_way_back
from cluster.standing import Standing, standing
from cluster.trust import trust
from cluster.verification.gate import VerificationGate
from components.engine import engine_is_alive
from components.interruption import INTERRUPTION
from concerns.contacts import whom_to_tell
from evidence.checklist.checklist import Checklist
from evidence.git import Revision
from evidence.image import FoundImage
from image_source import ImageSource
from notify.channel import Addressee
from notify.channels import addressees
from notify.message import Place
from notify.sending import client
from notify.telling import Telling
from reports.progress import Progress
from settings import Settings
from verifying import Verifying
from watching import Watching

# Beside the time-out that the cluster itself keeps, so that the cluster's own word comes first.
SLACK_SECONDS = 15
PROJECT_DIRECTORY = Path(__file__).resolve().parent
SQL_FILE = PROJECT_DIRECTORY / SQL_KEY
# What a rollback puts back with the pods, so that the release that was left is judged anew.
RECORDS = ("migration", "approved", "image")
PURPOSE = "pulumi up"


@dataclass(frozen=True)
class Gates:
    """The checks that the hooks of a stack call, and the look at the cluster before everything else."""

    settings: Settings
    holding: Holding = field(default_factory=lambda: Holding(PURPOSE, alive=engine_is_alive))
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    # What the release goes without, once its checklist was looked at: facts of its record, and told to everybody.
    waived: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> Names:
        """The names of this stack's objects."""
        application = self.settings.application
        return Names(application.deployment, application.app, weighted=self.settings.ingress.gateway is not None)

    def reach_cluster(self) -> None:
        """Return if the cluster answers and has the namespace, so that nothing is begun that cannot be ended.

        Raises ClusterError or Unreachable, each with one line for a person.
        """
        wanted = self.settings.cluster
        if not self._cluster().namespace_exists():
            raise ClusterError(
                f"the cluster of context '{wanted.context}' has no namespace '{wanted.namespace}'",
                mend=f"kubectl --context {wanted.context} create namespace {wanted.namespace}",
            )

    @property
    def images(self) -> ImageSource:
        """Where the image of a release comes from."""
        return ImageSource(self.settings)

    def release_of(self, revision: Revision) -> dict[str, str]:
        """Return what the records say of the release of `revision`, but for its image."""
        return {
            "version": revision.version(self.settings.environment),
            "configuration": self.settings.application.configuration_hash,
            "revision": revision.sha,
        }

    def look_at(self, revision: Revision, found: FoundImage | None) -> Standing:
        """Return where the release of `revision` stands on the cluster.

        Raises ClusterError or Unreachable: what stands there may be what cannot be taken over.
        """
        rollout, names = self.settings.rollout, self.names
        canary = rollout.strategy == "canary"
        first = names.step_record(rollout.steps[0]) if canary else names.record("verified")
        asked = {**self.release_of(revision), "image": found.reference if found else ""}
        found_there = standing(self._cluster(), names, first, asked, canary=canary)
        return replace(found_there, adopts=self._adopting(self._cluster()).look() or "")

    def checklist(self, revision: Revision, found: FoundImage | None) -> Checklist | None:
        """Return how the items of the checklist stand for the release of `revision`; None for dev, which has none.

        Raises ClusterError or Unreachable: what nobody can ask is not taken for missing.
        """
        if self.settings.environment == "dev" and not self.settings.checklist.required:
            return None
        checklist = self.checklisting().of(revision, found)
        self.waived.update(checklist.told_waived())
        return checklist

    def checklisting(self) -> Checklisting:
        """Return what gathers the proofs for the checklist."""
        ca_file = self.settings.health.ca_file
        return Checklisting(
            self.settings,
            self._cluster(),
            lambda address: client(address, trust(ca_file)),
        )

    def approved(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Let the release that the record names begin, or say whose approval is missing."""
        checklisting = replace(self.checklisting(), cluster=self._held(reporter))
        checklisting.approval_gate(record, reporter).run(record["version"])

    def built(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Keep which image was built from the commit that was approved without one."""
        images = BuiltImages(self._held(reporter), self.names.deployment)
        images.add(record["version"], record["revision"], record["image"].rpartition("@")[2], datetime.now(UTC))

    def monitored(self, version: str) -> Callable[[Mapping[str, str], Reporter], None]:
        """Return what waits until the release of `version` is watched as it declares."""

        def wait(_record: Mapping[str, str], reporter: Reporter) -> None:
            self._held(reporter)
            self.checklisting().monitoring_gate(version, reporter).run()

        return wait

    def planned(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Let the migration of the image and version that the record names begin, or say what is missing."""
        settings, cluster = self.settings, self._held(reporter)
        deployment = settings.application.deployment
        gate = MigrationPlanGate(
            planner=self.planner(reporter, cluster),
            approvals=Approvals(cluster, deployment, settings.approval.approvers),
            record=MigrationRecord(cluster, deployment),
            waivers=settings.migration.waivers,
            stack=settings.environment,
            file=SQL_FILE,
            reporter=reporter,
        )
        gate.run(record["image"], record["version"])
        release = Release(
            version=record["version"],
            image=record["image"],
            configuration=settings.application.configuration_hash,
            revision="",
        )
        why = why_no_way_back(cluster, deployment, release)
        if why is not None:
            reporter.line(f"migration plan: from here on there is no way back: {why}")

    def planner(
        self, reporter: Reporter, cluster: Cluster | None = None, *, timeout_seconds: int | None = None
    ) -> MigrationPlanner:
        """Return what finds out the pending migrations of an image; by default it has the migration's time-out."""
        return MigrationPlanner(
            cluster=cluster or self._cluster(),
            application=self.settings.application,
            alembic=self.settings.migration.alembic,
            timeout_seconds=timeout_seconds or self.settings.migration.timeout_seconds,
            reporter=reporter,
            clock=Clock(),
        )

    def migrated(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Wait for the migration Job that the record names."""
        gate = MigrationGate(
            cluster=self._held(reporter),
            timeout_seconds=self.settings.migration.timeout_seconds + SLACK_SECONDS,
            reporter=reporter,
            clock=Clock(),
        )
        gate.run(record["job"], record["version"])

    def adopted(self, _record: Mapping[str, str], reporter: Reporter) -> None:
        """Take over what serves already and was not made by this program, or before it marked its pods."""
        self._adopting(self._held(reporter)).run(reporter)

    def _adopting(self, cluster: Cluster) -> Adopting:
        ingress = self.settings.ingress
        traffic = Traffic(
            port=self.settings.application.port,
            host=self.settings.health.url.host or "",
            ingress_class=ingress.class_name or "",
            tls_secret=ingress.tls_secret,
        )
        return Adopting(cluster, self.names, traffic)

    def plan(self, percent: int) -> str:
        """Return in one line what the step of this share will do; empty where the stack has no canary."""
        if self.settings.rollout.strategy != "canary":
            return ""
        return Canary.of(self.settings).plan(percent, self._requests_now)

    @cached_property
    def _requests_now(self) -> float | None:
        """Requests a second now; None where nobody knows, and the plan goes on without."""
        canary, names = Canary.of(self.settings), self.names
        wanted = canary.prometheus
        pods = f"({pods_of(names.canary)}|{pods_of(names.deployment)})"
        try:
            with httpx.Client() as client, Prometheus(str(wanted.url), client, wanted.timeout_seconds) as prometheus:
                return requests_a_second(prometheus, self.settings.cluster.namespace, pods)
        except (Unreachable, NoValue):
            return None

    def stepped(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Let the release that the record names through the step that it names, or take it back."""
        settings, clock, percent = self.settings, Clock(), int(record["step"])
        cluster, release = self._held(reporter), release_in(record)
        canary, history = Canary.of(settings), self._history(cluster, release, reporter)
        verifying = Verifying(settings, cluster, self.names, clock, Progress(reporter, clock))
        with self.rollback(cluster, reporter, clock) as rollback:
            gate = CanaryGate(
                step=canary.step(percent),
                instruments=lambda: canary.instruments(cluster, percent, release.version, clock, history.started_at()),
                rollback=rollback,
                history=history,
                automatic=settings.rollout.automatic,
                rollback_when_unknown=settings.rollout.when_unknown == "rollback",
                report=verifying.report_of_canary(percent),
            )
            self._telling_people(lambda: gate.run(release), history, reporter)

    def verified(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Verify the release that the record names, or take it back."""
        settings, clock = self.settings, Clock()
        cluster, release = self._held(reporter), release_in(record)
        history = self._history(cluster, release, reporter)
        verifying = Verifying(settings, cluster, self.names, clock, Progress(reporter, clock))
        with self.rollback(cluster, verifying.reporter, clock) as rollback:
            gate = VerificationGate(
                rollback=rollback,
                log_lines=settings.verification.log_lines,
                pods_timeout_seconds=settings.verification.pods_timeout_seconds,
                rollback_when_unknown=settings.rollout.when_unknown == "rollback",
                automatic=settings.rollout.automatic,
                further=verifying.further_steps(
                    lambda seconds: self.planner(verifying.reporter, cluster, timeout_seconds=seconds)
                ),
                history=history,
                onlooker=verifying.report(),
            )
            self._telling_people(lambda: gate.run(release, record), history, reporter)

    @cached_property
    def watching(self) -> Watching:
        """The watch of this stack's release once it is verified."""
        return Watching(
            self.settings,
            self.names,
            self._records,
            self._cluster,
            self.images.registry,
            give_back=self.holding.release,
            wanted=lambda: engine_is_alive() and not INTERRUPTION.is_interrupted,
        )

    @property
    def _records(self) -> tuple[str, ...]:
        names = self.names
        return (*map(names.record, RECORDS), *map(names.step_record, self.settings.rollout.steps))

    @contextmanager
    def rollback(self, cluster: Cluster, reporter: Reporter, clock: Clock) -> Iterator[Rollback]:
        """Give what takes a release of this stack back, until the body ends."""
        settings = self.settings
        with httpx.Client(verify=trust(settings.health.ca_file)) as client:
            yield configured_rollback(
                cluster,
                self.names,
                self._records,
                health=settings.health,
                health_timeout_seconds=settings.verification.health_timeout_seconds,
                rollout=settings.rollout,
                client=client,
                reporter=reporter,
                clock=clock,
            )

    def _history(self, cluster: Cluster, release: Release, reporter: Reporter) -> ReleaseRecord:
        record = ReleaseRecord(
            cluster, self.names.deployment, release, reporter, by=who(), run=self.run, listeners=(self.telling.hear,)
        )
        record.begin(**begun_with(cluster, self.settings, release, reporter))
        if self.waived:
            record.append_once(WAIVED, **self.waived)
        return record

    @cached_property
    def telling(self) -> Telling:
        """Tells people what the records of this run say."""
        settings = self.settings
        place = Place(settings.environment, settings.cluster.namespace, self.names.deployment)
        return Telling(place, self._addressees, critical_hurt=settings.notify.escalation.critical_hurt_requests)

    def _addressees(self) -> tuple[Addressee, ...]:
        settings = self.settings
        ca_file = settings.health.ca_file
        return addressees(settings.notify, settings.contacts, lambda: trust(ca_file), Clock())

    def _telling_people(self, gate: Callable[[], None], history: ReleaseRecord, reporter: Reporter) -> None:
        try:
            gate()
        except GateFailed as error:
            self.telling.stopped(history, str(error))
            raise GateFailed(f"{error}{whom_to_tell(self.settings.contacts)}") from error
        finally:
            self.telling.flush(reporter)

    def _held(self, reporter: Reporter) -> Cluster:
        """Return the cluster as one that is changed only while this run holds the release."""
        return self.holding.take(self._cluster(), self.names.deployment, reporter)

    def _cluster(self) -> Cluster:
        wanted = self.settings.cluster
        return connect(wanted.kubeconfig, wanted.context, wanted.namespace)
