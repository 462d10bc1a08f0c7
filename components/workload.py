"""The pods of a release, and the Deployment that keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from cluster.names import CONFIGURATION, SERVING, VERSION
from components import pod
from settings import Settings

TERMINATION_GRACE_SECONDS = 30
REVISIONS_KEPT = 10
SPREAD_OVER = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


@dataclass(frozen=True)
class WorkloadArgs:
    """`image` by digest; `version` is what /health must answer; `track` is stable or canary."""

    settings: Settings
    image: pulumi.Input[str]
    version: str
    track: str

    @property
    def selector(self) -> dict[str, str]:
        """Labels by which the Deployment knows its pods. They say nothing of the release: they can never change."""
        return {"app": self.settings.application.app, "track": self.track}


def deployment(
    name: str, args: WorkloadArgs, deployment_name: str, replicas: int, opts: pulumi.ResourceOptions
) -> k8s.apps.v1.Deployment:
    """Return the Deployment called `deployment_name` of the release's pods; nothing waits for them."""
    rollout = args.settings.rollout
    return k8s.apps.v1.Deployment(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=deployment_name,
            namespace=args.settings.cluster.namespace,
            labels={"app": args.settings.application.app},
            annotations=pod.ANNOTATIONS,
        ),
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=replicas,
            revision_history_limit=REVISIONS_KEPT,
            progress_deadline_seconds=rollout.timeout_seconds,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=args.selector),
            strategy=k8s.apps.v1.DeploymentStrategyArgs(
                type="RollingUpdate",
                rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(
                    max_surge=rollout.max_surge, max_unavailable=rollout.max_unavailable
                ),
            ),
            template=_template(args),
        ),
        opts=opts,
    )


def _template(args: WorkloadArgs) -> k8s.core.v1.PodTemplateSpecArgs:
    application = args.settings.application
    volumes, mounts = pod.scratch()
    container = k8s.core.v1.ContainerArgs(
        name="api",
        image=args.image,
        ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=application.port)],
        env=pod.environment(application, args.version),
        env_from=pod.credentials(application),
        resources=pod.resources(application),
        security_context=pod.container_security(),
        volume_mounts=mounts,
        startup_probe=_probe("/livez", period_seconds=1, failure_threshold=60),
        readiness_probe=_probe("/readyz", period_seconds=1, failure_threshold=2),
        # Patient: a machine that is merely busy must not restart its pods, which would make it busier.
        liveness_probe=_probe("/livez", period_seconds=5, failure_threshold=6, timeout_seconds=5),
    )
    return k8s.core.v1.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(
            labels={**args.selector, **SERVING, VERSION: args.version},
            annotations={CONFIGURATION: application.configuration_hash},
        ),
        spec=k8s.core.v1.PodSpecArgs(
            automount_service_account_token=False,
            enable_service_links=False,
            security_context=pod.pod_security(),
            termination_grace_period_seconds=TERMINATION_GRACE_SECONDS,
            topology_spread_constraints=[_spread(key, args.selector) for key in SPREAD_OVER],
            containers=[container],
            volumes=volumes,
        ),
    )


def _spread(key: str, selector: dict[str, str]) -> k8s.core.v1.TopologySpreadConstraintArgs:
    return k8s.core.v1.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key=key,
        when_unsatisfiable="ScheduleAnyway",
        label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector),
        match_label_keys=["pod-template-hash"],
    )


def _probe(
    path: str, *, period_seconds: int, failure_threshold: int, timeout_seconds: int = 2
) -> k8s.core.v1.ProbeArgs:
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="http"),
        period_seconds=period_seconds,
        failure_threshold=failure_threshold,
        timeout_seconds=timeout_seconds,
    )
