"""From the program's inputs to the ones that are kept: named, placed in a namespace, normalized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.plugins.kubernetes.discovery import Discovery
from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.masking import masked
from sandbox.plugins.kubernetes.naming import (
    Autonaming,
    NamingError,
    adopt_name,
    assign_name,
    is_generated_by_server,
)
from sandbox.plugins.kubernetes.normal import normalized
from sandbox.plugins.kubernetes.objects import (
    Object,
    dig,
    from_properties,
    is_patch,
    is_unknown,
    kind_of,
    kind_of_urn,
    name_of,
    name_of_urn,
    set_member,
    to_properties,
)


@dataclass(frozen=True)
class Checked:
    """Inputs to keep, with their secrets marked, and what is wrong with them by property."""

    inputs: Object
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Checker:
    """Checks inputs and, where the cluster can be reached, places them by its kinds."""

    default_namespace: str
    discovery: Discovery | None

    def check(
        self, urn: str, news: Mapping[str, Any], olds: Mapping[str, Any], seed: bytes, autonaming: Autonaming
    ) -> Checked:
        """Return checked inputs; raises ProviderError for what this provider can never make."""
        _refuse_foreign_types(urn)
        inputs = normalized(from_properties(news))
        failures = {
            member: f"the resource has no {member}: it must have one to be sent to the API server"
            for member in ("apiVersion", "kind")
            if not isinstance(inputs.get(member), str) and not is_unknown(inputs.get(member))
        }
        old = from_properties(olds)
        patch = is_patch(urn, kind_of(inputs).name)
        if patch and not name_of(inputs) and not is_unknown(dig(inputs, "metadata", "name")):
            raise ProviderError("patch resources require the `.metadata.name` field to be set")
        try:
            if old:
                adopt_name(inputs, old)
            else:
                assign_name(inputs, name_of_urn(urn), seed, autonaming)
        except NamingError as error:
            raise ProviderError(str(error)) from error
        if is_generated_by_server(inputs):
            raise ProviderError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
        self._place(inputs)
        if kind_of(inputs).name == "CustomResourceDefinition" and self.discovery is not None:
            self.discovery.declare(inputs)
        return Checked(masked(to_properties(inputs), news), failures)

    def _place(self, inputs: Object) -> None:
        metadata = inputs.get("metadata")
        if not isinstance(metadata, dict) or metadata.get("namespace"):
            return
        if self.discovery is not None and self.discovery.is_namespaced(kind_of(inputs)):
            set_member(inputs, self.default_namespace, "metadata", "namespace")


def _refuse_foreign_types(urn: str) -> None:
    try:
        kind = kind_of_urn(urn)
    except ValueError as error:
        raise ProviderError(str(error)) from error
    if kind.group == "helm.sh":
        raise ProviderError(
            f"{kind} needs the official pulumi-kubernetes plug-in: this stand-in has no Helm; install the plug-in"
        )
    if kind.name.endswith("List"):
        raise ProviderError(
            "list resources exist for compatibility with YAML manifests and Helm charts, "
            "and cannot be created directly. Use the underlying resource type instead"
        )
