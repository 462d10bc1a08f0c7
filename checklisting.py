"""The checklist of a stack's release: its settings, turned into who proves each item."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from approving import Approving
from checks.waiting import Clock, Reporter
from cluster.access import connect
from cluster.api import Cluster
from cluster.approval.gate import Look, ReleaseApprovalGate
from cluster.errors import GateFailed
from cluster.releases import VerifiedReleases, serving_release
from cluster.trust import trust
from evidence.api.served import served_document
from evidence.checklist.candidate import Candidate, read_candidate
from evidence.checklist.checklist import Checklist
from evidence.checklist.claims import with_claims
from evidence.checklist.code import provers_of_code
from evidence.checklist.dashboard import Dashboard
from evidence.checklist.gather import gather
from evidence.checklist.infrastructure import Infrastructure, ReleaseFacts, provers_of_infrastructure
from evidence.checklist.monitoring_gate import MonitoringGate
from evidence.checklist.prometheus_rules import DeclaredAlert
from evidence.checklist.proof import Proof, Provers, State
from evidence.checklist.release_file import ReleaseFileError, read_release_file
from evidence.errors import EvidenceError
from evidence.forge.forge import Forge
from evidence.forge.github import GitHub
from evidence.git import Revision
from evidence.image import FoundImage
from monitoring import dashboard
from monitoring.fingerprint import DECLARED, RECORD, fingerprint
from monitoring.prometheus_rule import alerts
from monitoring.subject import Watched
from notify.sending import client
from settings import Settings

PROJECT_DIRECTORY = Path(__file__).resolve().parent
# Where the stack has no token for it: the one that a workflow of the forge has.
FORGE_TOKEN = "GITHUB_TOKEN"  # noqa: S105  (the name of a variable)


@dataclass(frozen=True)
class Checklisting:
    """Gathers the proofs of the nineteen items for a release of one stack.

    `cluster` is where the release is to go.
    """

    settings: Settings
    cluster: Cluster
    connected: Callable[[str], httpx.Client]
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def of_checkout(self, image: FoundImage | None) -> Checklist:
        """Return the checklist of what is checked out, even where it could not be released as it is."""
        settings = self.settings
        candidate = read_candidate(Path(settings.image.context), settings.release, settings.environment)
        return self._gather(candidate, image)

    def of(self, revision: Revision, image: FoundImage | None) -> Checklist:
        """Return the checklist of the release of `revision`, whose `image` is None until it is built."""
        context, environment = Path(self.settings.image.context), self.settings.environment
        return self._gather(Candidate(context, revision, environment), image)

    def monitoring_gate(self, version: str, reporter: Reporter) -> MonitoringGate:
        """Return what waits until `version` is watched as it declares: by then nothing of it is still to come."""
        facts = ReleaseFacts(version, None, None, "", self._alerts)
        prove = provers_of_infrastructure(self._infrastructure(), facts)["monitoring"]
        return MonitoringGate(
            prove=lambda: self._with_claims("monitoring", prove(), version),
            stack=self.settings.environment,
            timeout_seconds=self.settings.monitoring.loaded_seconds,
            reporter=reporter,
            clock=Clock(),
        )

    def _gather(self, candidate: Candidate, image: FoundImage | None) -> Checklist:
        candidate = replace(candidate, before=self._before(candidate))
        forge = self._forge()
        try:
            return gather(
                self._provers(candidate, image, forge),
                self.settings.checklist,
                environment=candidate.environment,
                version=candidate.version,
                today=self.wall_clock().date(),
            )
        finally:
            if forge is not None:
                forge.close()

    def _before(self, candidate: Candidate) -> str:
        """Return the commit of the release whose place the candidate takes; empty before the first."""
        deployment = self.settings.application.deployment
        serving = serving_release(self.cluster, deployment)
        if serving is None:
            last = VerifiedReleases(self.cluster, deployment).last()
            return "" if last is None else last.release.revision
        if serving.release.revision != candidate.revision.sha:
            return serving.release.revision
        before = VerifiedReleases(self.cluster, deployment).before(serving.release)
        return "" if before is None else before.release.revision

    def approval_gate(self, record: Mapping[str, str], reporter: Reporter) -> ReleaseApprovalGate:
        """Return the gate of the release that a record names: version, revision, and image if there is one.

        What waives items 10 and 11 for it waives them here.
        """
        version, wanted = record["version"], self.settings.approval.window
        closed = self._with_claims("window", Proof(State.MISSING, "approval.window", "closed"), version)
        window = None if closed.state.closed else wanted
        look = partial(self._look_for_approval, record)
        return ReleaseApprovalGate(look, self.settings.environment, window, reporter, self.wall_clock)

    def _look_for_approval(self, record: Mapping[str, str]) -> Look:
        settings, version = self.settings, record["version"]
        revision = Revision(record["revision"], "", "", "", version)
        candidate = Candidate(Path(settings.image.context), revision, settings.environment)
        image = FoundImage(record["image"]) if record.get("image") else None
        approving, forge = Approving(settings, self.cluster), self._forge()
        try:
            proof = approving.prover(candidate, image, forge)()
        except EvidenceError as error:
            raise GateFailed(f"whether release {version} is approved is not known: {error}") from error
        finally:
            if forge is not None:
                forge.close()
        proof = self._with_claims("approval", proof, version)
        waived = proof.state is State.WAIVED
        text = f"{version} goes on without an approval: {proof.source}: {proof.value}" if waived else proof.value
        return Look(proof.state.closed, text, proof.closes)

    def _with_claims(self, name: str, proof: Proof, version: str) -> Proof:
        return with_claims(name, proof, self.settings.checklist, version=version, today=self.wall_clock().date())

    def _provers(self, candidate: Candidate, image: FoundImage | None, forge: Forge | None) -> Provers:
        settings, wanted = self.settings, self.settings.checklist
        approving = Approving(settings, self.cluster)
        return {
            **provers_of_code(
                candidate,
                wanted,
                settings.release,
                forge=forge,
                approved=approving.prover(candidate, image, forge),
                served=self._served_api,
            ),
            **provers_of_infrastructure(
                self._infrastructure(), self._facts(candidate, None if image is None else image.reference)
            ),
        }

    def _served_api(self) -> bytes:
        health, api = self.settings.health, self.settings.checklist.api
        path = "" if api is None else api.served_at
        return served_document(self.connected, str(health.url), health.connect_to, path)

    def _forge(self) -> GitHub | None:
        wanted = self.settings.checklist
        if wanted.forge is None:
            return None
        return GitHub(wanted.forge, timeout_seconds=wanted.timeout_seconds, token=os.environ.get(FORGE_TOKEN, ""))

    def _facts(self, candidate: Candidate, image: str | None) -> ReleaseFacts:
        try:
            top = read_release_file(candidate, self.settings.checklist.release_files).top
        except ReleaseFileError:
            # Its own items say what is wrong with it.
            return ReleaseFacts(candidate.version, image, None, "", self._alerts, self._brings_monitoring)
        minutes, announcement = top.estimated_minutes, top.announcement
        return ReleaseFacts(candidate.version, image, minutes, announcement, self._alerts, self._brings_monitoring)

    @property
    def _alerts(self) -> Sequence[DeclaredAlert]:
        monitoring = self.settings.monitoring
        return () if monitoring.format == "off" else alerts(Watched.of(self.settings, monitoring))

    def _brings_monitoring(self) -> bool:
        """Tell whether no release before has had this monitoring loaded."""
        settings = self.settings
        watched = Watched.of(settings, settings.monitoring)
        record = self.cluster.config_map(watched.names.record(RECORD))
        return record is None or (record.get("data") or {}).get(DECLARED) != fingerprint(watched)

    def _dashboard(self) -> Dashboard | None:
        """Return the dashboard that people watch the release on: another one that is kept, or the release's own."""
        settings, wanted = self.settings, self.settings.monitoring.dashboard
        kept, namespace = wanted.kept, settings.cluster.namespace
        if kept is not None:
            return Dashboard(kept.uid, wanted.label, kept.namespace or namespace, kept.config_map or "", own=False)
        if settings.monitoring.format == "off":
            return None
        watched = Watched.of(settings, settings.monitoring)
        return Dashboard(dashboard.uid(watched), wanted.label, namespace, watched.names.record(dashboard.KIND))

    def _connected_to_logs(self, address: str) -> httpx.Client:
        """Return a client for the log store. Raises ClusterError where its certificate authority cannot be read."""
        store = self.settings.log_store
        if store is None or not store.ca_file:
            return self.connected(address)
        return client(address, trust(store.ca_file, "log_store.ca_file"))

    def _infrastructure(self) -> Infrastructure:
        settings, cluster = self.settings, self.cluster
        wanted = settings.cluster
        return Infrastructure(
            stack=settings.environment,
            deployment=settings.application.deployment,
            directory=PROJECT_DIRECTORY,
            context=Path(settings.image.context),
            approval=settings.approval,
            migration=settings.migration,
            notify=settings.notify,
            prometheus=settings.prometheus,
            sources=settings.checklist,
            dashboard=self._dashboard(),
            log_store=settings.log_store,
            cluster=cluster,
            cluster_in=lambda namespace: connect(wanted.kubeconfig, wanted.context, namespace),
            nodes=cluster.nodes,
            connect=self.connected,
            connect_to_logs=self._connected_to_logs,
            clock=Clock(),
            wall_clock=self.wall_clock,
        )
