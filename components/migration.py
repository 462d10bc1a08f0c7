"""The migration of a release: the database changes before any pod does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import pod
from components.gate import Check, Gate, GateArgs, Inputs, gate_hook
from settings import Settings

# Alembic can end well without having moved the database: where its environment does not commit, say.
UPGRADE_SCRIPT = """
"$@" upgrade head || exit $?
at=$("$@" current) || { echo "$at"; exit 1; }
case $at in
  *" (head)"*) echo "the database is at $at" ;;
  *) echo "FAILED: after 'upgrade head' the database is at '$at', which is not the head"; exit 1 ;;
esac
"""


@dataclass(frozen=True)
class MigrationArgs:
    """`image` by digest; `tag` is its version; `check` waits for the Job called as its record says.

    `plan` is asked in safe mode, right before the Job is made, whether it may run. `recorded` is the name of the Job's
    resource where the one on record is to stay.
    """

    settings: Settings
    image: pulumi.Input[str]
    tag: str
    plan: Check
    check: Check
    recorded: str | None = None


class Migration(pulumi.ComponentResource):
    """A Job that runs the migration command with the release's own image, and the gate that waits for it.

    The Job is named after version, image, configuration and command, so that a release that is taken back leaves the
    Job of the one before alone. It is never retried by the cluster: a migration that failed once is looked at, and run
    again by the next update. It fails unless the database is at the head afterwards.
    """

    def __init__(self, name: str, args: MigrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Migration", name, {}, opts)
        application, cluster = args.settings.application, args.settings.cluster
        command = ["/bin/sh", "-c", UPGRADE_SCRIPT, "migration", *args.settings.migration.alembic]
        content = [args.tag, application.configuration_hash, *command]
        resource = args.recorded or f"{name}-{_short_hash(content)}"
        # Whatever is in the Job's template is in its name: a Job cannot be changed, and one that is being deleted
        # cannot be made again.
        job_name = pulumi.Output.from_input(args.image).apply(
            lambda image: f"{application.deployment}-migration-{_short_hash([*content, image])}"
        )
        labels = {"component": "migration", "app.kubernetes.io/version": args.tag}
        volumes, mounts = pod.scratch()
        container = k8s.core.v1.ContainerArgs(
            name="migration",
            image=args.image,
            command=command,
            env=pod.environment(application, args.tag),
            env_from=pod.credentials(application),
            resources=pod.resources(application),
            security_context=pod.container_security(),
            volume_mounts=mounts,
        )
        job = k8s.batch.v1.Job(
            resource,
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=job_name, namespace=cluster.namespace, labels=labels, annotations=pod.SKIP_AWAIT
            ),
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=0,
                active_deadline_seconds=args.settings.migration.timeout_seconds,
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels),
                    spec=k8s.core.v1.PodSpecArgs(
                        restart_policy="Never",
                        automount_service_account_token=False,
                        enable_service_links=False,
                        security_context=pod.pod_security(),
                        containers=[container],
                        volumes=volumes,
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, hooks=self._plan_gate(args)),
        )
        self.record = f"{application.deployment}-migration"
        self.gate = Gate(
            name,
            GateArgs(
                record=self.record,
                namespace=cluster.namespace,
                data={
                    "job": job_name,
                    "version": args.tag,
                    "image": args.image,
                    "configuration": application.configuration_hash,
                    "resource": resource,
                },
                check=args.check,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[job]),
        )
        self.register_outputs({})

    def _plan_gate(self, args: MigrationArgs) -> pulumi.ResourceHookBinding | None:
        """Return in safe mode the hook on the Job itself: no Job is made that has not just been let, not even again."""
        if args.settings.migration.mode != "safe":
            return None
        hook = gate_hook("migration-plan-gate", args.plan, _job_of, self)
        return pulumi.ResourceHookBinding(before_create=[hook])


def _job_of(inputs: Inputs) -> Mapping[str, str]:
    template = inputs["spec"]["template"]
    return {
        "image": str(template["spec"]["containers"][0]["image"]),
        "version": str(template["metadata"]["labels"]["app.kubernetes.io/version"]),
    }


def _short_hash(content: list[str]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]
