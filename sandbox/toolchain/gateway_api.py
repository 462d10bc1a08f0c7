"""The definitions of the Gateway API, from the module that the sandbox's Traefik is built with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.toolchain.build import MODULES
from sandbox.toolchain.definitions import DefinitionFiles

MODULE = "sigs.k8s.io/gateway-api"


@dataclass(frozen=True)
class GatewayApi(DefinitionFiles):
    """HTTPRoute, Gateway and their like."""

    module: Path = MODULES / "kubernetes"

    NAME = "gateway-api"
    MODULE = MODULE
    INSIDE = Path("config", "crd", "standard")
    GROUP = "gateway.networking.k8s.io"
