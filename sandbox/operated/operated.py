"""Puts the operator, what it operates and the receiver on the sandbox's cluster, and waits for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.cluster.definitions import Definitions
from sandbox.cluster.kubectl import Kubectl
from sandbox.errors import SandboxError
from sandbox.images.images import Images, reference
from sandbox.operated import instances, operator, receiver
from sandbox.operated.image import TOOLS, monitoring
from sandbox.services.namespace import namespace
from sandbox.services.prometheus import NAMESPACE
from sandbox.toolchain.build import Toolchain
from sandbox.toolchain.operator_kinds import OperatorKinds

# Annotation of a definition that says which version of the operator it is of; without the leading v.
VERSION = "operator.prometheus.io/version"
READY_SECONDS = 180.0


@dataclass(frozen=True)
class Operated:
    """The Prometheus Operator, Prometheus, Alertmanager, and who stands for Slack and PagerDuty."""

    toolchain: Toolchain
    kinds: OperatorKinds
    images: Images
    kubectl: Kubectl

    def ensure(self, environment: str, progress: Callable[[str], None]) -> str:
        """Build, apply and wait until all is ready; `environment` is the namespace whose alerts have somewhere to go.

        Returns one closing line. Raises SandboxError if something of it cannot be built or is not ready in time.
        """
        built = {tool.name: tool.program for tool in self.toolchain.ensure(TOOLS, progress)}
        recipe = monitoring(built)
        self.images.make([recipe], progress)
        image = reference(recipe)
        progress("applying")
        Definitions(self.kubectl, self.kinds.ensure(), self.kinds.version.removeprefix("v"), VERSION).install()
        self.kubectl.apply(
            [
                namespace(NAMESPACE),
                *operator.objects(image),
                *receiver.objects(image),
                receiver.credentials(environment),
                *instances.objects(image),
            ]
        )
        self._wait(progress)
        return (
            f"operator {self.kinds.version}; Prometheus at http://127.0.0.1:{instances.PROMETHEUS_NODE_PORT}, "
            f"Alertmanager at http://127.0.0.1:{instances.ALERTMANAGER_NODE_PORT}, "
            f"who receives its alerts at http://127.0.0.1:{receiver.NODE_PORT}"
        )

    def _wait(self, progress: Callable[[str], None]) -> None:
        for name in (operator.NAME, receiver.NAME):
            progress(f"waiting for {name}")
            self.kubectl.run(
                "rollout",
                "status",
                f"deployment/{name}",
                f"--timeout={READY_SECONDS:.0f}s",
                namespace=NAMESPACE,
                seconds=READY_SECONDS + 10.0,
            )
        for kind in ("prometheus", "alertmanager"):
            progress(f"waiting for the {kind} of the operator")
            name = f"{kind}/{instances.NAME}"
            try:
                self.kubectl.wait(name, until="condition=Available", namespace=NAMESPACE, seconds=READY_SECONDS)
            except SandboxError as error:
                raise SandboxError(
                    f"{name} is not ready after {READY_SECONDS:.0f} s: {self._why(name)}",
                    mend=f"kubectl describe {name} pods --namespace {NAMESPACE}, then run the same command again",
                ) from error

    def _why(self, name: str) -> str:
        conditions = self.kubectl.get_json(name, namespace=NAMESPACE).get("status", {}).get("conditions", [])
        missing = [each for each in conditions if each["status"] != "True"]
        told = [f"{each['reason']} {each.get('message', '')}".strip() for each in missing]
        return "; ".join(told) or "the operator says nothing of it"
