"""The HTTPRoute of a Gateway, which shares the requests out between stable and canary by weight."""

from __future__ import annotations

from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from cluster.names import CANARY, SERVING, STABLE, Names
from cluster.service_port import ServicePort
from components import pod
from components.service import service
from concerns.health import GatewaySettings
from settings import Settings

API_VERSION = "gateway.networking.k8s.io/v1"
# Stable first, in this order: the gates of a canary set them, and the engine leaves them as they are.
WEIGHTS = [f"spec.rules[0].backendRefs[{number}].weight" for number in range(2)]


class WeightedRoute(pulumi.ComponentResource):
    """A Service for each of stable and canary, and the HTTPRoute that has them as backends, 100 to 0 at rest.

    Deliberately makes no Gateway: one serves many applications, and is somebody else's.
    """

    def __init__(
        self, name: str, settings: Settings, gateway: GatewaySettings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("release-manager:release:WeightedRoute", name, {}, opts)
        names = Names(settings.application.deployment, settings.application.app, weighted=True)
        services = [
            service(
                f"{name}-{track}",
                settings,
                of_track,
                {"app": names.app, "track": track, **SERVING},
                port=ServicePort(),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for track, of_track in ((STABLE, names.stable_service), (CANARY, names.canary_service))
        ]
        k8s.apiextensions.CustomResource(
            name,
            api_version=API_VERSION,
            kind="HTTPRoute",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=names.deployment,
                namespace=settings.cluster.namespace,
                labels={"app": names.app},
                annotations=pod.ANNOTATIONS,
            ),
            spec=_spec(settings, gateway, names),
            opts=pulumi.ResourceOptions(parent=self, depends_on=services, ignore_changes=WEIGHTS),
        )
        self.register_outputs({})


def _spec(settings: Settings, gateway: GatewaySettings, names: Names) -> dict[str, object]:
    parent = {"name": gateway.name, "namespace": gateway.namespace}
    if gateway.listener:
        parent["sectionName"] = gateway.listener
    weights = {names.stable_service: 100, names.canary_service: 0}
    return {
        "parentRefs": [parent],
        "hostnames": [urlsplit(str(settings.health.url)).hostname or ""],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [
                    {"name": backend, "port": ServicePort.number, "weight": weight}
                    for backend, weight in weights.items()
                ],
            }
        ],
    }
