"""Traefik as a process of this machine: the names of the release's environments, over HTTP and TLS."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.cluster.authority import Authority, Credentials, Identity
from sandbox.cluster.certificates import cluster_authority
from sandbox.cluster.definitions import Definitions
from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.cluster.kubectl import Kubectl
from sandbox.cluster.layout import LOOPBACK, Layout
from sandbox.cluster.probes import serves
from sandbox.errors import SandboxError
from sandbox.ingress import gateway
from sandbox.paths import Paths
from sandbox.ports import require_free
from sandbox.processes import Process, Processes
from sandbox.service import Status
from sandbox.toolchain.gateway_api import GatewayApi

PROCESS = "traefik"
CLASS = "traefik"
TLS_SECRET = "sandbox-ingress-tls"  # noqa: S105  (its name)
HTTP_PORT = 80
HTTPS_PORT = 443
HEALTH_PORT = 16090
HOSTS = ("dev-api.internal", "staging-api.internal", "api.internal")
SERVER = Identity("ingress", "api.internal", hosts=HOSTS)
USER = Identity("ingress", "sandbox:ingress")


def static_config(dynamic: Path) -> dict[str, Any]:
    """Return Traefik's static configuration. It never retries, so that a lost request is seen as lost."""
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "WARN", "noColor": True},
        "ping": {"entryPoint": "health"},
        "entryPoints": {
            "web": {"address": f"{LOOPBACK}:{HTTP_PORT}"},
            "websecure": {"address": f"{LOOPBACK}:{HTTPS_PORT}", "http": {"tls": {}}},
            "health": {"address": f"{LOOPBACK}:{HEALTH_PORT}"},
        },
        "serversTransport": {"forwardingTimeouts": {"dialTimeout": "2s"}},
        "providers": {
            # Changes of endpoints are taken over within this time; the default of 2 s would outlive a stopping pod.
            "providersThrottleDuration": "100ms",
            "file": {"filename": str(dynamic), "watch": False},
            "kubernetesIngress": {"allowEmptyServices": True, "ingressEndpoint": {"ip": LOOPBACK}},
            "kubernetesGateway": gateway.provider(),
        },
    }


def dynamic_config(credentials: Credentials) -> dict[str, Any]:
    """Return Traefik's dynamic configuration: the certificate that is shown for every name."""
    certificate = {"certFile": str(credentials.certificate), "keyFile": str(credentials.key)}
    return {"tls": {"stores": {"default": {"defaultCertificate": certificate}}}}


def documents() -> list[dict[str, Any]]:
    """Return what the cluster must hold: the default IngressClass, and what Traefik may read."""
    read = ["get", "list", "watch"]
    group = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": CLASS, "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
            "spec": {"controller": "traefik.io/ingress-controller"},
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": USER.common_name},
            "rules": [
                {"apiGroups": [""], "resources": ["services", "secrets", "nodes"], "verbs": read},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
                {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": read},
                {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["update"]},
                *gateway.rules(),
            ],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": USER.common_name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": USER.common_name},
            "subjects": [{"apiGroup": group, "kind": "User", "name": USER.common_name}],
        },
    ]


def certificate(credentials: Credentials, namespace: str) -> dict[str, Any]:
    """Return the Secret of `namespace` that an Ingress with TLS names."""
    files = {"tls.crt": credentials.certificate, "tls.key": credentials.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": TLS_SECRET, "namespace": namespace},
        "data": {key: base64.b64encode(file.read_bytes()).decode() for key, file in files.items()},
    }


@dataclass(frozen=True)
class Ingress:
    """Traefik before the sandbox cluster, which must run. `traefik` is the built binary.

    `gateway_api` is what it needs to serve the Gateway API.
    """

    paths: Paths
    processes: Processes
    traefik: Path
    gateway_api: GatewayApi

    @property
    def name(self) -> str:
        """One word."""
        return "ingress"

    def start(self, progress: Callable[[str], None]) -> str:
        """Serve the cluster's Ingresses and its Gateway on this machine's loopback address. Raises SandboxError."""
        if not self.paths.kubeconfig.exists():
            raise SandboxError(
                f"the ingress needs the cluster, and there is no {self.paths.kubeconfig}",
                mend="start the cluster first: make up",
            )
        if self.processes.running(PROCESS) is None:
            if os.geteuid() != 0:
                raise SandboxError(
                    f"the ingress listens on ports {HTTP_PORT} and {HTTPS_PORT}, which user id {os.geteuid()} may not",
                    mend="run the same command with sudo",
                )
            for port in (HTTP_PORT, HTTPS_PORT, HEALTH_PORT):
                require_free(LOOPBACK, port, self.name)
        self._configure()
        kubectl = Kubectl(self.paths)
        definitions = self.gateway_api
        Definitions(kubectl, definitions.directory, definitions.version, gateway.BUNDLE).install()
        kubectl.apply(
            [
                *documents(),
                gateway.namespace(),
                certificate(self._server(), gateway.NAMESPACE),
                *gateway.documents(TLS_SECRET, http_port=HTTP_PORT, https_port=HTTPS_PORT),
            ]
        )
        self.processes.start(self._process(), progress)
        return f"http and https on {LOOPBACK} for {', '.join(HOSTS)}; authority {self.paths.authority}"

    def publish_certificate(self, namespace: str) -> None:
        """Put the certificate for the names of the environments into `namespace`, where their Ingress names it."""
        Kubectl(self.paths).apply([certificate(self._server(), namespace)])

    def stop(self) -> None:
        """End Traefik."""
        self.processes.stop(PROCESS)

    def status(self) -> Status:
        """Tell whether Traefik serves."""
        running = self.processes.running(PROCESS) is not None and self._process().ready()
        detail = f"http and https on {LOOPBACK} for {', '.join(HOSTS)}" if running else "stopped"
        return Status(self.name, running=running, detail=detail)

    def _configure(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        server = self._server()
        authority = cluster_authority(Layout(self.paths))
        write_kubeconfig(self._kubeconfig, authority, authority.issue(USER))
        dynamic = self._directory / "dynamic.yaml"
        wanted = {dynamic: dynamic_config(server), self._static: static_config(dynamic)}
        texts = {file: yaml.safe_dump(config) for file, config in wanted.items()}
        if any(not file.is_file() or file.read_text(encoding="utf-8") != text for file, text in texts.items()):
            # One that runs read what was there before and reads no more. Ended before the files are written: a run
            # that is killed here is made good by the next one.
            self.processes.stop(PROCESS)
        for file, text in texts.items():
            file.write_text(text, encoding="utf-8")

    def _server(self) -> Credentials:
        return Authority(self.paths.authority.parent, "release-manager-sandbox ingress").issue(SERVER)

    def _process(self) -> Process:
        command = [str(self.traefik), f"--configFile={self._static}"]
        environment = {"KUBECONFIG": str(self._kubeconfig)}
        return Process(PROCESS, command, serves(f"http://{LOOPBACK}:{HEALTH_PORT}/ping"), environment=environment)

    @property
    def _directory(self) -> Path:
        return self.paths.data / "ingress"

    @property
    def _kubeconfig(self) -> Path:
        return self._directory / "kubeconfig"

    @property
    def _static(self) -> Path:
        return self._directory / "traefik.yaml"
