"""The port of a Service that stands already: it is kept, because to rename it is to lose requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.adoption.standing_by_hand import CORE
from cluster.api import Cluster


@dataclass(frozen=True)
class ServicePort:
    """Number and name under which the Service takes requests; a Service with one port may leave its name empty."""

    number: int = 80
    name: str = "http"


def service_port(cluster: Cluster, service: str) -> ServicePort:
    """Return the port of `service` as it stands, or 80 and "http" where there is no such Service.

    A change of the name would leave the Service without endpoints until its EndpointSlices follow. Raises ClusterError
    or Unreachable.
    """
    found = cluster.get(CORE, "services", service)
    entry = None if found is None else main_port(found)
    return ServicePort() if entry is None else ServicePort(entry["port"], entry.get("name", ""))


def main_port(service: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the entry of port 80, or of the first other TCP port; None where it has none."""
    ports = [port for port in service["spec"].get("ports") or [] if port.get("protocol", "TCP") == "TCP"]
    ports.sort(key=lambda port: port["port"] != ServicePort.number)
    return ports[0] if ports else None


def reached_port(entry: Mapping[str, Any], pod: Mapping[str, Any]) -> int | None:
    """Return the port of the pod that the Service's entry leads to; None where the pod names none so."""
    target = entry.get("targetPort", entry["port"])
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if port.get("name") == target:
                number: int = port["containerPort"]
                return number
    return None
