"""A configured provider: what every call for a resource needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf import struct_pb2

from sandbox.plugins.kubernetes.checkpoint import State
from sandbox.plugins.kubernetes.lifecycle import Lifecycle
from sandbox.plugins.kubernetes.naming import unique_name
from sandbox.plugins.kubernetes.objects import Object, annotation, kind_of
from sandbox.plugins.kubernetes.replies import fail
from sandbox.plugins.kubernetes.settings import Settings
from sandbox.plugins.kubernetes.steering import PATCH_FIELD_MANAGER
from sandbox.plugins.protocol import properties
from sandbox.plugins.protocol.engine_log import Log

DELETE_HELP: Final = (
    "you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
NO_KIND: Final = (
    "because the Kubernetes API server reported that the apiVersion for this resource does not exist. "
    "Verify that any required CRDs have been created"
)


@dataclass(frozen=True)
class Session:
    """Settings, the namespace of objects that name none, and the cluster.

    `lifecycle` is None where the cluster cannot be reached; `unreachable` says why.
    """

    settings: Settings
    namespace: str
    log: Log
    lifecycle: Lifecycle | None
    unreachable: str = ""

    def reachable(self, context: grpc.ServicerContext) -> Lifecycle:
        """Return the cluster's operations, or end the call where it cannot be reached."""
        if self.lifecycle is None:
            fail(context, f"configured Kubernetes cluster is unreachable: {self.unreachable}")
        return self.lifecycle

    def warn_unreachable(self, urn: str) -> None:
        """Say beside a resource why the cluster cannot be reached."""
        self.log.warning(urn, f"configured Kubernetes cluster is unreachable: {self.unreachable}")

    def can_preview(self, inputs: Object) -> bool:
        """Tell whether the server can be asked what inputs would become."""
        if properties.contains_unknown(inputs) or self.lifecycle is None:
            return False
        return self.lifecycle.cluster.knows(kind_of(inputs))

    def manager(self, inputs: Mapping[str, Any], state: State | None = None) -> str:
        """Return the field manager: the annotation's, else the state's, else a new random one."""
        known = "" if state is None else state.manager
        return annotation(inputs, PATCH_FIELD_MANAGER) or known or unique_name("pulumi-kubernetes-", b"")


def state_of(outputs: struct_pb2.Struct, inputs: struct_pb2.Struct) -> State:
    """Return a resource's old state from the engine's messages."""
    return State(properties.unmarshal(outputs), properties.unmarshal(inputs))
