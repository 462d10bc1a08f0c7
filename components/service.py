"""The Services of the application."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from cluster.service_port import ServicePort
from components import pod
from settings import Settings


def service(
    name: str,
    settings: Settings,
    service_name: str,
    selector: dict[str, str],
    *,
    port: ServicePort,
    opts: pulumi.ResourceOptions,
) -> k8s.core.v1.Service:
    """Return the Service called `service_name` of the pods that `selector` selects; nothing waits for them."""
    return k8s.core.v1.Service(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=service_name,
            namespace=settings.cluster.namespace,
            labels={"app": settings.application.app},
            annotations=pod.ANNOTATIONS,
        ),
        spec=k8s.core.v1.ServiceSpecArgs(
            selector=selector,
            ports=[
                k8s.core.v1.ServicePortArgs(
                    name=port.name or None, port=port.number, target_port=settings.application.port
                )
            ],
        ),
        opts=opts,
    )
