"""The Gateway that Traefik serves beside the Ingresses: an HTTPRoute on it can share requests out by weight."""

from __future__ import annotations

from typing import Any

from sandbox.cluster.layout import LOOPBACK

GROUP = "gateway.networking.k8s.io"
# Annotation of a definition that says which version of the Gateway API it is of.
BUNDLE = f"{GROUP}/bundle-version"
CLASS = "traefik"
NAME = "release-manager"
NAMESPACE = "gateway"
HTTP, HTTPS = "http", "https"
_KINDS = ("gatewayclasses", "gateways", "httproutes", "grpcroutes", "backendtlspolicies")


def provider() -> dict[str, Any]:
    """Return how Traefik's static configuration switches its provider of the Gateway API on."""
    return {"statusAddress": {"ip": LOOPBACK}}


def rules() -> list[dict[str, Any]]:
    """Return what the provider may read and write in the cluster, beside what it may for Ingresses."""
    read = ["get", "list", "watch"]
    return [
        {"apiGroups": [""], "resources": ["namespaces", "configmaps"], "verbs": read},
        {"apiGroups": [GROUP], "resources": [*_KINDS, "referencegrants"], "verbs": read},
        {"apiGroups": [GROUP], "resources": [f"{kind}/status" for kind in _KINDS], "verbs": ["update"]},
    ]


def documents(tls_secret: str, *, http_port: int, https_port: int) -> list[dict[str, Any]]:
    """Return the GatewayClass and the Gateway. `tls_secret` is a Secret of its namespace."""
    listeners = [
        {"name": HTTP, "protocol": "HTTP", "port": http_port},
        {
            "name": HTTPS,
            "protocol": "HTTPS",
            "port": https_port,
            "tls": {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": tls_secret}]},
        },
    ]
    every_namespace = {"allowedRoutes": {"namespaces": {"from": "All"}}}
    return [
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "Gateway",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {
                "gatewayClassName": CLASS,
                "listeners": [{**listener, **every_namespace} for listener in listeners],
            },
        },
    ]


def namespace() -> dict[str, Any]:
    """Return the namespace of the Gateway, apart from those of the environments that it serves."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
