"""What each gate does when its hook runs: the settings of the stack, turned into the gates of `cluster`."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from checks.health import HealthCheck
from checks.waiting import Clock, Reporter
from cluster.access import connect
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.migration_gate import MigrationGate
from cluster.release import Release
from cluster.verification_gate import VerificationGate
from settings import Settings

# Beside the time-out that the cluster itself keeps, so that the cluster's own word comes first.
SLACK_SECONDS = 15


@dataclass(frozen=True)
class Gates:
    """The checks that the hooks of a stack call, and the look at the cluster before everything else."""

    settings: Settings

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

    def migrated(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Wait for the migration Job that the record names."""
        gate = MigrationGate(
            cluster=self._cluster(),
            timeout_seconds=self.settings.migration.timeout_seconds + SLACK_SECONDS,
            reporter=reporter,
            clock=Clock(),
        )
        gate.run(record["job"], record["version"])

    def verified(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Verify the release that the record names, or take it back."""
        settings, clock = self.settings, Clock()
        with httpx.Client(verify=trust(settings.health.ca_file)) as client:
            gate = VerificationGate(
                cluster=self._cluster(),
                deployment=settings.application.deployment,
                selector="app=release-manager,track=stable",
                records=(f"{settings.application.deployment}-migration",),
                health=HealthCheck(
                    str(settings.health.url),
                    attempts=settings.health.attempts,
                    interval_seconds=settings.health.interval_seconds,
                    timeout_seconds=settings.health.timeout_seconds,
                    connect_to=settings.health.connect_to,
                    client=client,
                    clock=clock,
                ),
                rollout_timeout_seconds=settings.rollout.timeout_seconds,
                log_lines=settings.verification.log_lines,
                rollback_when_unknown=settings.rollout.when_unknown == "rollback",
                reporter=reporter,
                clock=clock,
            )
            gate.run(Release.model_validate(dict(record)))

    def _cluster(self) -> Cluster:
        wanted = self.settings.cluster
        return connect(wanted.kubeconfig, wanted.context, wanted.namespace)


def trust(ca_file: str) -> ssl.SSLContext:
    """Return the system's trust, and the authority of `ca_file` beside it. Raises ClusterError if unreadable."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ClusterError(
                f"health.ca_file {ca_file} cannot be read as certificates ({type(error).__name__})",
                mend="set health.ca_file to a PEM file, or leave it out",
            ) from error
    return context
