"""kubectl, bound to the sandbox: it never reads the user's own context, preferences or cache."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cluster.layout import Layout
from sandbox.commands import run
from sandbox.paths import Paths

FIELD_MANAGER = "sandbox"
REQUEST_SECONDS = 30
MEND = "look at the cluster with {kubectl} get events --all-namespaces, or start it again: make up"


@dataclass(frozen=True)
class Kubectl:
    """Commands to the sandbox cluster, each bounded in time.

    `kubernetes` is the binary that has kubectl in it; without it the wrapper that the cluster wrote is used.
    """

    paths: Paths
    kubernetes: Path | None = None

    def apply(self, documents: list[dict[str, Any]], *, seconds: float = 60.0) -> str:
        """Apply `documents` server-side, taking over fields that others own. Raises SandboxError."""
        listing = {"apiVersion": "v1", "kind": "List", "items": documents}
        flags = ("--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-")
        return self.run("apply", *flags, stdin=json.dumps(listing), seconds=seconds)

    def get_json(self, *arguments: str, namespace: str | None = None) -> dict[str, Any]:
        """Return the object or list that `kubectl get <arguments>` finds. Raises SandboxError."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "--output=json", namespace=namespace))
        return found

    def wait(self, *resources: str, until: str, namespace: str | None = None, seconds: float = 60.0) -> None:
        """Wait for `resources` until a condition, as in `kubectl wait --for`. Raises SandboxError."""
        limit = f"--timeout={seconds:.0f}s"
        self.run("wait", *resources, f"--for={until}", limit, namespace=namespace, seconds=seconds + 10.0)

    def delete(self, *arguments: str, namespace: str | None = None, seconds: float = 60.0) -> None:
        """Delete what is there of what `arguments` name, and wait until it is gone. Raises SandboxError."""
        limit = f"--timeout={seconds:.0f}s"
        self.run("delete", *arguments, "--ignore-not-found", limit, namespace=namespace, seconds=seconds + 10.0)

    def run(
        self,
        *arguments: str,
        namespace: str | None = None,
        stdin: str | None = None,
        seconds: float = 60.0,
    ) -> str:
        """Run any other kubectl command and return what it printed. Raises SandboxError."""
        command = [*self.command, *([f"--namespace={namespace}"] if namespace else []), *arguments]
        mend = MEND.format(kubectl=Layout(self.paths).kubectl)
        return run(command, stdin=stdin, seconds=seconds, environment=self.environment, mend=mend)

    @property
    def command(self) -> list[str]:
        """How kubectl is called."""
        if self.kubernetes is None:
            return [str(Layout(self.paths).kubectl)]
        return [str(self.kubernetes), "kubectl"]

    @property
    def environment(self) -> Mapping[str, str]:
        """What keeps kubectl away from the user's own files."""
        return {
            "KUBECONFIG": str(self.paths.kubeconfig),
            "KUBERC": "off",
            "KUBECACHEDIR": str(Layout(self.paths).data / "kubectl-cache"),
        }

    def write_wrapper(self) -> Path:
        """Write the kubectl for people; return where it is."""
        settings = [f"export {name}={shlex.quote(value)}" for name, value in self.environment.items()]
        call = f'exec {shlex.join(self.command)} "$@"'
        file = Layout(self.paths).kubectl
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(["#!/bin/sh", *settings, call, ""]), encoding="utf-8")
        file.chmod(0o755)
        return file
