"""The sandbox's Gateway: its definitions are those that Traefik was built with, and it serves every environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster.definitions import Definitions
from sandbox.errors import SandboxError
from sandbox.ingress import gateway, ingress
from sandbox.processes import Processes
from sandbox.toolchain.gateway_api import MODULE, GatewayApi
from tests.sandbox.toolchain_fakes import paths_in

FILE = "gateway.networking.k8s.io_httproutes.yaml"


@dataclass
class GoWithModule:
    """A `go` that has the module in its cache."""

    module: Path
    commands: list[str] = field(default_factory=list)

    def __call__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],  # noqa: ARG002
        seconds: float,  # noqa: ARG002
        on_line: Callable[[str], None],
    ) -> int:
        assert (directory / "go.mod").exists()
        self.commands.append(" ".join(command[1:3]))
        if command[1] == "list":
            on_line(str(self.module))
        return 0


@pytest.fixture
def api(tmp_path: Path) -> GatewayApi:
    source = tmp_path / "cache of go" / "config" / "crd" / "standard"
    source.mkdir(parents=True)
    (source / FILE).write_text("a definition", encoding="utf-8")
    (source / "kustomization.yaml").write_text("no definition", encoding="utf-8")
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text(f"module x\n\nrequire (\n\t{MODULE} v1.4.0 // indirect\n)\n", encoding="utf-8")
    return GatewayApi(paths_in(tmp_path), GoWithModule(tmp_path / "cache of go"), lambda _: "/usr/bin/go", module)


def test_the_definitions_are_copied_once_in_the_version_that_traefik_is_built_with(api: GatewayApi) -> None:
    assert isinstance(api.follow, GoWithModule)
    directory = api.ensure()
    assert (directory.name, [file.name for file in directory.iterdir()]) == ("gateway-api-v1.4.0", [FILE])
    assert api.follow.commands == ["mod download", "list -m"]
    api.ensure()
    assert len(api.follow.commands) == 2, "nothing is downloaded twice"


def test_a_copy_that_was_killed_half_way_is_begun_anew(api: GatewayApi) -> None:
    partial = api.directory.with_name(f".{api.directory.name}.partial")
    partial.mkdir(parents=True)
    (partial / "half").write_text("half of it", encoding="utf-8")
    assert [file.name for file in api.ensure().iterdir()] == [FILE]
    assert not partial.exists()


def test_a_module_that_pins_no_version_is_named(api: GatewayApi) -> None:
    (api.module / "go.mod").write_text("module x\n", encoding="utf-8")
    with pytest.raises(SandboxError, match=rf"does not pin {MODULE}"):
        api.ensure()


def test_our_own_module_pins_them(tmp_path: Path) -> None:
    assert GatewayApi(paths_in(tmp_path)).version.startswith("v1.")


def test_the_gateway_takes_routes_of_every_environment_over_http_and_tls_on_the_ports_of_traefik() -> None:
    found = gateway.documents("a-secret", http_port=ingress.HTTP_PORT, https_port=ingress.HTTPS_PORT)
    by_kind: dict[str, Any] = {document["kind"]: document for document in found}
    listeners = {each["name"]: each for each in by_kind["Gateway"]["spec"]["listeners"]}
    assert {name: (each["protocol"], each["port"]) for name, each in listeners.items()} == {
        gateway.HTTP: ("HTTP", 80),
        gateway.HTTPS: ("HTTPS", 443),
    }
    assert all(each["allowedRoutes"] == {"namespaces": {"from": "All"}} for each in listeners.values())
    assert listeners[gateway.HTTPS]["tls"]["certificateRefs"][0]["name"] == "a-secret"
    assert by_kind["Gateway"]["spec"]["gatewayClassName"] == by_kind["GatewayClass"]["metadata"]["name"]
    assert by_kind["Gateway"]["metadata"]["namespace"] == gateway.namespace()["metadata"]["name"]


def test_traefik_serves_gateways_and_may_read_what_it_needs_for_that() -> None:
    assert "kubernetesGateway" in ingress.static_config(Path("dynamic.yaml"))["providers"]
    role = next(document for document in ingress.documents() if document["kind"] == "ClusterRole")
    allowed = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    watched = ("gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants", "backendtlspolicies")
    assert {(kind, "watch") for kind in (*watched, "namespaces", "configmaps", "services", "secrets")} <= allowed
    assert ("httproutes/status", "update") in allowed
    assert not {(kind, verb) for kind, verb in allowed if verb in {"create", "delete", "patch"}}


class Answering:
    """A kubectl that says which definitions are there, and remembers what it was told to do."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.told: list[str] = []

    def run(self, *arguments: str, **_: object) -> str:
        self.told.append(arguments[0])
        return self.answer if arguments[0] == "get" else ""

    def wait(self, *names: str, until: str, **_: object) -> None:
        self.told.append(f"wait for {names[0]} until {until}")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("v1.4.0\n", ["get"]),
        ("", ["get", "apply", "wait for customresourcedefinition/httproutes.gateway.networking.k8s.io until "]),
        ("v1.3.0\n", ["get", "apply", "wait for customresourcedefinition/httproutes.gateway.networking.k8s.io until "]),
    ],
    ids=["there", "missing", "of another version"],
)
def test_definitions_that_are_there_cost_one_look(api: GatewayApi, answer: str, told: list[str]) -> None:
    kubectl: Any = Answering(answer)
    Definitions(kubectl, api.ensure(), api.version, gateway.BUNDLE).install()
    assert [each.replace("condition=Established", "") for each in kubectl.told] == told


@dataclass
class Ended(Processes):
    """Processes of which none is started; those that are ended are noted."""

    ended: list[str] = field(default_factory=list)

    def stop(self, name: str, *, seconds: float = 20.0, keep_children: bool = False) -> None:  # noqa: ARG002
        self.ended.append(name)


def test_traefik_that_runs_with_another_configuration_is_ended_so_that_it_starts_with_this_one(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    processes = Ended(paths)
    here = ingress.Ingress(paths, processes, tmp_path / "traefik", GatewayApi(paths))
    static = paths.data / "ingress" / "traefik.yaml"
    here._configure()
    processes.ended.clear()

    here._configure()
    assert processes.ended == [], "with the same configuration it goes on"

    static.write_text(static.read_text(encoding="utf-8").replace("kubernetesGateway", "other"), encoding="utf-8")
    here._configure()
    assert processes.ended == ["traefik"]
