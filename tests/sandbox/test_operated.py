"""What the operator is told to run passes the namespace's standard, and fits what it was built with."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from monitoring import alertmanager_config, pod_monitor, prometheus_rule
from sandbox.operated import instances, operator, receiver
from sandbox.operated.image import TOOLS, monitoring, program
from sandbox.operated.receiver_program import KEPT, Handler, Received
from sandbox.paths import REPOSITORY, Paths
from sandbox.services.prometheus import NAMESPACE, NODE_PORT
from sandbox.toolchain.build import TOOLS as ALL_TOOLS
from sandbox.toolchain.build import Toolchain
from sandbox.toolchain.operator_kinds import OperatorKinds

IMAGE = "localhost:5000/sandbox/monitoring:1"
EVERY = [*operator.objects(IMAGE), *receiver.objects(IMAGE), *instances.objects(IMAGE)]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [each for each in EVERY if each["kind"] == kind]


def test_every_pod_passes_the_restricted_standard() -> None:
    pods = [each["spec"]["template"]["spec"] for each in of_kind("Deployment")]
    pods += [each["spec"] for each in (*of_kind("Prometheus"), *of_kind("Alertmanager"))]
    assert len(pods) == 4
    for pod in pods:
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_ports_of_the_node_are_no_two_the_same() -> None:
    found = [port["nodePort"] for each in of_kind("Service") for port in each["spec"]["ports"]]
    assert len(set(found)) == 3
    assert NODE_PORT not in found


def test_the_operator_selects_what_production_declares() -> None:
    file = yaml.safe_load((REPOSITORY / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    labels = file["config"]["release-manager:monitoring"]["labels"]
    [prometheus], [alertmanager] = of_kind("Prometheus"), of_kind("Alertmanager")
    for selector in (
        prometheus["spec"]["ruleSelector"],
        prometheus["spec"]["podMonitorSelector"],
        alertmanager["spec"]["alertmanagerConfigSelector"],
    ):
        assert selector["matchLabels"].items() <= labels.items()
        assert selector["matchLabels"], "a selector that takes all would try nothing"
    kinds = {f"{each.KIND.lower()}s" for each in (prometheus_rule, pod_monitor, alertmanager_config)}
    assert kinds <= set(operator._KINDS)


def test_the_version_that_the_operator_is_told_is_the_one_that_was_built(tmp_path: Path) -> None:
    toolchain = Toolchain(Paths(tmp_path, tmp_path, tmp_path))
    found = re.fullmatch(r"v0\.3(\d\d)\.(\d+)", toolchain.version(ALL_TOOLS["prometheus"]))
    assert found is not None
    # The module of Prometheus 3.7.3 is 0.307.3.
    assert f"v3.{int(found[1])}.{found[2]}" == instances.PROMETHEUS_VERSION
    assert OperatorKinds(Paths(tmp_path, tmp_path, tmp_path)).version == toolchain.version(
        ALL_TOOLS["prometheus-operator"]
    )


def test_the_image_has_the_tools_where_the_pods_start_them(tmp_path: Path) -> None:
    built = {}
    for tool in TOOLS:
        built[tool] = tmp_path / f"{tool}-0123456789abcdef" / tool
    recipe = monitoring(built)
    commands = re.findall(r'"(/opt/monitoring/[a-z-]+)"', json.dumps(EVERY))
    assert {*commands} == {*recipe.programs} == {program(tool) for tool in TOOLS}
    other = {**built, "prometheus": tmp_path / "prometheus-fedcba9876543210" / "prometheus"}
    assert monitoring(other).key != recipe.key


@pytest.fixture
def asking() -> Iterator[httpx.Client]:
    class Fresh(Handler):
        received = Received()

    with ThreadingHTTPServer(("127.0.0.1", 0), Fresh) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        # A connection that stays waits 40 ms for each answer, whose head and body are sent apart.
        alone = {"Connection": "close"}
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", headers=alone, trust_env=False) as client:
            yield client
        server.shutdown()
        thread.join()


def test_the_receiver_tells_each_what_it_was_sent_in_order(asking: httpx.Client) -> None:
    for number in range(KEPT + 2):
        assert asking.post("/slack", json={"number": number}).status_code == 200
    assert asking.post("/pagerduty", json={"payload": {}}).status_code == 202
    told = asking.get("/slack").json()
    assert [each["body"]["number"] for each in told] == [*range(2, KEPT + 2)]
    assert all(each["at"] > 0 for each in told)
    assert len(asking.get("/pagerduty").json()) == 1
    assert asking.get("/heartbeat").json() == []


@pytest.mark.parametrize(("body", "status"), [(b"<html>", 400), (b"", 413)])
def test_the_receiver_refuses_what_is_no_message(asking: httpx.Client, body: bytes, status: int) -> None:
    assert asking.post("/slack", content=body).status_code == status
    assert asking.get("/slack").json() == []


def test_the_receiver_runs_in_its_own_namespace_by_the_address_that_the_routes_name() -> None:
    assert f"http://{receiver.NAME}.{NAMESPACE}.svc:{receiver.PORT}" == receiver.ADDRESS
    [service] = [each for each in of_kind("Service") if each["metadata"]["name"] == receiver.NAME]
    assert service["metadata"]["namespace"] == NAMESPACE
