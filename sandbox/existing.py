"""An existing cluster in place of the sandbox's own: `make up CONTEXT=...`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.kubectl import Kubectl
from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.services.backing import BackingServices

CREDENTIALS = "release-manager-credentials"


@dataclass(frozen=True)
class Existing:
    """A cluster as named on the command line. `address` is where its ingress listens, if its names do not resolve."""

    context: str
    kubeconfig: str
    repository: str
    ingress_class: str
    address: str
    base_image: str

    @classmethod
    def named(cls, context: str, environment: Mapping[str, str]) -> Existing:
        """Return the cluster of `context`. Raises SandboxError if no image repository is named for it."""
        repository = environment.get("REPOSITORY", "")
        if not repository:
            raise SandboxError(
                f"context '{context}' needs an image repository that its nodes can pull from; REPOSITORY is not set",
                mend=f"make up CONTEXT={context} REPOSITORY=<registry>/release-manager",
            )
        return cls(
            context=context,
            kubeconfig=str(Path(environment.get("KUBECONFIG") or "~/.kube/config").expanduser()),
            repository=repository,
            ingress_class=environment.get("INGRESS_CLASS") or "traefik",
            address=environment.get("ADDRESS", ""),
            base_image=environment.get("BASE_IMAGE") or "python:3.11-slim",
        )

    def prepare(self, paths: Paths, namespace: str, progress: Callable[[str], None]) -> str:
        """Put backing services into `namespace` unless it has its own; return one closing line.

        A namespace that holds the Secret with their addresses is taken as it is. Raises SandboxError.
        """
        kubectl = ExistingKubectl.of(paths, self)
        progress(f"asking context {self.context}")
        found = kubectl.get_json("secrets", f"--field-selector=metadata.name={CREDENTIALS}", namespace=namespace)
        if found["items"]:
            return f"context {self.context}; namespace {namespace} has its own backing services"
        return f"context {self.context}; {BackingServices(paths, kubectl, None).ensure(namespace, progress)}"


@dataclass(frozen=True)
class ExistingKubectl(Kubectl):
    """kubectl of the user, bound to the one context that was named."""

    kubeconfig: str = ""
    context: str = ""

    @classmethod
    def of(cls, paths: Paths, existing: Existing) -> ExistingKubectl:
        """Return kubectl for `existing`. Raises SandboxError where there is none on PATH."""
        if shutil.which("kubectl") is None:
            raise SandboxError("kubectl is not on PATH, and an existing cluster needs it", mend="install kubectl")
        return cls(paths, kubeconfig=existing.kubeconfig, context=existing.context)

    @property
    def command(self) -> list[str]:
        """How kubectl is called."""
        return ["kubectl", f"--kubeconfig={self.kubeconfig}", f"--context={self.context}"]

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing: it is the user's own kubectl, with the user's own way to sign in."""
        return {}
