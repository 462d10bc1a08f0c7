"""How requests reach the pods."""

from __future__ import annotations

from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from cluster.names import SERVING
from cluster.service_port import ServicePort
from components import pod
from components.route import WeightedRoute
from components.service import service
from settings import Settings


def traffic(name: str, settings: Settings, port: ServicePort, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Return the Service in front of all pods that serve, and the way in for the host that /health is asked at.

    That is an Ingress before the Service, or an HTTPRoute where the settings name a Gateway. Whoever takes the label
    `serving` off a pod takes it out of every Service at once. `port` is the Service's, as it stands where it does:
    renamed under load it would lose requests.
    """
    application = settings.application
    selector = {"app": application.app, **SERVING}
    of_all = service(f"{name}-service", settings, application.deployment, selector, port=port, opts=opts)
    behind = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[of_all]))
    if settings.ingress.gateway is None:
        return [of_all, _ingress(f"{name}-ingress", settings, port, behind)]
    return [of_all, WeightedRoute(f"{name}-route", settings, settings.ingress.gateway, behind)]


def _ingress(
    name: str, settings: Settings, port: ServicePort, opts: pulumi.ResourceOptions
) -> k8s.networking.v1.Ingress:
    host = urlsplit(str(settings.health.url)).hostname or ""
    backend = k8s.networking.v1.IngressBackendArgs(
        service=k8s.networking.v1.IngressServiceBackendArgs(
            name=settings.application.deployment, port=k8s.networking.v1.ServiceBackendPortArgs(number=port.number)
        )
    )
    path = k8s.networking.v1.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    secret = settings.ingress.tls_secret
    return k8s.networking.v1.Ingress(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=settings.application.deployment,
            namespace=settings.cluster.namespace,
            annotations=pod.ANNOTATIONS,
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
