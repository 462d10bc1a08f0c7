"""The engine that is used: whose it is, and what is recognised as its remains."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_interface, ip_network
from pathlib import Path

import pytest

from sandbox import docker_network
from sandbox.debian import DebianPackages
from sandbox.docker_engine import OWN_ENGINE, DockerEngine, answers, is_local
from sandbox.docker_leftovers import Leftovers
from sandbox.paths import Paths
from sandbox.processes import Processes


class Engine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"ApiVersion": "1.41"}' if self.path.endswith("/version") else b"OK"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def existing() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


def engine(directory: Path, environment: dict[str, str]) -> DockerEngine:
    paths = Paths(cache=directory / "cache", data=directory / "data", run=directory / "run")
    return DockerEngine(paths, DebianPackages(paths), Processes(paths), environment=environment)


def test_an_engine_that_answers_is_used(tmp_path: Path, existing: str) -> None:
    chosen = engine(tmp_path, {"DOCKER_HOST": existing})
    assert chosen.host == existing
    assert chosen.start(lambda _: None) == f"uses the engine at {existing}"


def test_the_users_engine_is_passed_over_on_request(tmp_path: Path, existing: str) -> None:
    chosen = engine(tmp_path, {"DOCKER_HOST": existing, OWN_ENGINE: "1"})
    assert chosen.host == f"unix://{tmp_path}/run/docker.sock"


def test_an_engine_that_does_not_answer_is_not_used(tmp_path: Path) -> None:
    silent = f"unix://{tmp_path}/nobody.sock"
    assert not answers(silent)
    assert engine(tmp_path, {"DOCKER_HOST": silent}).host.endswith("/run/docker.sock")


def test_an_engine_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not answers(f"tcp://127.0.0.1:{server.getsockname()[1]}", seconds=1)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("unix:///var/run/docker.sock", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://localhost:2375", True),
        ("tcp://build.example:2375", False),
        ("ssh://build.example", False),
    ],
)
def test_only_an_engine_on_this_machine_can_push_to_its_registry(host: str, *, local: bool) -> None:
    assert is_local(host) is local


def test_the_bridge_meets_no_other_network_of_the_sandbox() -> None:
    others = [ip_network(text) for text in ("198.18.0.0/24", "198.18.255.1/32", "198.19.0.0/16")]
    own = [ip_network(docker_network.RANGE), ip_network(docker_network.MORE_RANGES)]
    assert ip_interface(docker_network.ADDRESS).network == own[0]
    assert not any(mine.overlaps(other) for mine in own for other in others)
    assert not own[0].overlaps(own[1])


def test_the_kernel_takes_the_names() -> None:
    assert len(docker_network.BRIDGE) <= 15
    assert len(docker_network.CHAIN) <= 28


def test_the_rules_are_not_taken_for_the_clusters() -> None:
    """The cluster removes every chain that begins with its own prefixes when it stops."""
    assert not docker_network.CHAIN.startswith(("KUBE-", "RM-SANDBOX-"))


def test_a_process_is_ours_only_if_its_program_is_too(tmp_path: Path) -> None:
    """Somebody who looks at the engine's files must not be ended with the engine."""
    run = Path(sys.executable).parent
    ours = Leftovers(programs=Path("/"), run=run, data=tmp_path, control_group="none")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            assert process.pid in ours.processes()
            assert process.pid not in replace(ours, programs=tmp_path).processes()
            assert process.pid not in replace(ours, run=tmp_path).processes()
        finally:
            process.kill()


def test_leftover_control_groups_and_runtime_files_go_and_data_stay(tmp_path: Path) -> None:
    run, data, groups = tmp_path / "run", tmp_path / "data", tmp_path / "cgroup"
    for directory in (run / "netns", data / "overlay2", groups / "ours" / "one" / "two", groups / "pids" / "ours"):
        directory.mkdir(parents=True)
    (groups / "others").mkdir()
    leftovers = Leftovers(programs=tmp_path / "programs", run=run, data=data, control_group="ours", cgroups=groups)
    leftovers.clear()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "cgroup",
        "cgroup/others",
        "cgroup/pids",
        "data",
        "data/overlay2",
    ]
