"""The application's pods and how requests reach them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from components import pod
from settings import Settings

DRAIN_SECONDS = 2
TERMINATION_GRACE_SECONDS = 30


@dataclass(frozen=True)
class RolloutArgs:
    """`image` by digest; `version` is what /health must answer."""

    settings: Settings
    image: pulumi.Input[str]
    version: str


class Rollout(pulumi.ComponentResource):
    """A Deployment that replaces its pods one by one, its Service and its Ingress.

    Deliberately does not wait for the pods: the verification behind it does, and fails sooner and says more. Creates
    no namespace and no Secret: the backing services own them.
    """

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Rollout", name, {}, opts)
        application, namespace = args.settings.application, args.settings.cluster.namespace
        rollout = args.settings.rollout
        label = {"app": application.app}
        self.selector = {**label, "track": "stable"}
        child = pulumi.ResourceOptions(parent=self)
        k8s.apps.v1.Deployment(
            f"{name}-stable",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=application.deployment, namespace=namespace, labels=label, annotations=pod.SKIP_AWAIT
            ),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=rollout.replicas,
                revision_history_limit=10,
                progress_deadline_seconds=rollout.timeout_seconds,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=self.selector),
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(
                        max_surge=rollout.max_surge, max_unavailable=rollout.max_unavailable
                    ),
                ),
                template=_template(args, self.selector),
            ),
            opts=child,
        )
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=application.deployment, namespace=namespace, labels=label, annotations=pod.SKIP_AWAIT
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=label,
                ports=[k8s.core.v1.ServicePortArgs(name="http", port=80, target_port="http")],
            ),
            opts=child,
        )
        _ingress(f"{name}-ingress", args.settings, pulumi.ResourceOptions(parent=self, depends_on=[service]))
        self.register_outputs({})


def _template(args: RolloutArgs, labels: dict[str, str]) -> k8s.core.v1.PodTemplateSpecArgs:
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
        startup_probe=_probe("/livez", period_seconds=1, failure_threshold=30),
        readiness_probe=_probe("/readyz", period_seconds=1, failure_threshold=2),
        liveness_probe=_probe("/livez", period_seconds=5, failure_threshold=3),
    )
    return k8s.core.v1.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(labels={**labels, "app.kubernetes.io/version": args.version}),
        spec=k8s.core.v1.PodSpecArgs(
            automount_service_account_token=False,
            enable_service_links=False,
            security_context=pod.pod_security(),
            termination_grace_period_seconds=TERMINATION_GRACE_SECONDS,
            containers=[container],
            volumes=volumes,
        ),
    )


def _probe(path: str, *, period_seconds: int, failure_threshold: int) -> k8s.core.v1.ProbeArgs:
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="http"),
        period_seconds=period_seconds,
        failure_threshold=failure_threshold,
        timeout_seconds=2,
    )


def _ingress(name: str, settings: Settings, opts: pulumi.ResourceOptions) -> k8s.networking.v1.Ingress:
    host = urlsplit(str(settings.health.url)).hostname or ""
    backend = k8s.networking.v1.IngressBackendArgs(
        service=k8s.networking.v1.IngressServiceBackendArgs(
            name=settings.application.deployment, port=k8s.networking.v1.ServiceBackendPortArgs(name="http")
        )
    )
    path = k8s.networking.v1.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    secret = settings.ingress.tls_secret
    return k8s.networking.v1.Ingress(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=settings.application.deployment,
            namespace=settings.cluster.namespace,
            annotations=pod.SKIP_AWAIT,
        ),
        spec=k8s.networking.v1.IngressSpecArgs(
            ingress_class_name=settings.ingress.class_name,
            tls=[k8s.networking.v1.IngressTLSArgs(hosts=[host], secret_name=secret)] if secret else None,
            rules=[
                k8s.networking.v1.IngressRuleArgs(
                    host=host, http=k8s.networking.v1.HTTPIngressRuleValueArgs(paths=[path])
                )
            ],
        ),
        opts=opts,
    )
