"""The port of a Service that stands is kept as it is, because a change of its name loses requests."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.service_port import ServicePort, reached_port, service_port
from tests.cluster.by_hand_server import NAMES, ByHandServer, service, template


@pytest.mark.parametrize(
    ("ports", "kept"),
    [
        ([{"port": 80, "targetPort": 8080}], ServicePort(80, "")),
        ([{"port": 80, "name": "http", "targetPort": "http"}], ServicePort(80, "http")),
        ([{"port": 443, "name": "tls"}, {"port": 80, "name": "web"}], ServicePort(80, "web")),
        ([{"port": 53, "name": "dns", "protocol": "UDP"}, {"port": 8080, "name": "api"}], ServicePort(8080, "api")),
    ],
)
def test_a_port_keeps_its_number_and_its_name(ports: list[dict[str, Any]], kept: ServicePort) -> None:
    server = ByHandServer()
    server.put("services", service(ports=ports))
    assert service_port(server.cluster(), NAMES.deployment) == kept


def test_without_a_service_it_is_port_80_called_http() -> None:
    assert service_port(ByHandServer().cluster(), NAMES.deployment) == ServicePort(80, "http")


@pytest.mark.parametrize(
    ("entry", "reached"),
    [
        ({"port": 80, "targetPort": 8000}, 8000),
        ({"port": 80}, 80),
        ({"port": 80, "targetPort": "web"}, 8080),
        ({"port": 80, "targetPort": "other"}, None),
    ],
)
def test_the_port_of_the_pod_is_found_by_number_or_by_name(entry: dict[str, Any], reached: int | None) -> None:
    pod = {"spec": template("v1")["spec"]}
    pod["spec"]["containers"][0]["ports"][0]["name"] = "web"
    assert reached_port(entry, pod) == reached
