"""The definitions of what the Prometheus Operator reads, from the module that the sandbox's is built from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.toolchain.build import MODULES
from sandbox.toolchain.definitions import DefinitionFiles


@dataclass(frozen=True)
class OperatorKinds(DefinitionFiles):
    """PrometheusRule, PodMonitor, AlertmanagerConfig and their like."""

    module: Path = MODULES / "operator"

    NAME = "operator-kinds"
    MODULE = "github.com/prometheus-operator/prometheus-operator"
    INSIDE = Path("example", "prometheus-operator-crd")
    GROUP = "monitoring.coreos.com"
