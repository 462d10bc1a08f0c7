"""Plug-ins are official where they can be downloaded, ours elsewhere, and every run says which."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from sandbox.errors import SandboxError
from sandbox.plugins.install import PluginInstaller
from sandbox.toolchain.downloads import Downloads
from sandbox.toolchain.pulumi_cli import LANGUAGE_HOST, PulumiCli
from tests.sandbox.toolchain_fakes import paths_in

VERSIONS = {"pulumi-kubernetes": "4.34.2", "pulumi-docker": "5.2.0"}


def silent(_: str) -> None:
    pass


class Machine:
    """A machine where the downloads answer `status`, and `pulumi plugin install` ends with `installs`."""

    def __init__(self, directory: Path, *, status: int = 403, installs: int = 1, host: Path | None = None) -> None:
        self.paths = paths_in(directory)
        self.status = status
        self.installs = installs
        self.host = host
        self.commands: list[list[str]] = []
        self.requests = 0
        self.python = Path(sys.executable)

    def installer(self) -> PluginInstaller:
        def answer(_: httpx.Request) -> httpx.Response:
            self.requests += 1
            return httpx.Response(self.status)

        cli = PulumiCli(self.paths.tools / "pulumi-key" / "pulumi", "3.250.0", "test", self.host)
        downloads = Downloads(self.paths, httpx.MockTransport(answer))
        return PluginInstaller(
            self.paths, cli, downloads, follow=self.follow, version_of=VERSIONS.__getitem__, python=self.python
        )

    def follow(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        seconds: float,
        on_line: Callable[[str], None],  # noqa: ARG002
    ) -> int:
        assert seconds <= 180
        self.commands.append(list(command))
        *_, name, version = command
        directory = Path(environment["PULUMI_HOME"]) / "plugins" / f"resource-{name}-{version}"
        directory.mkdir(parents=True)
        if self.installs == 0:
            (directory / f"pulumi-resource-{name}").write_bytes(b"\x7fELF official")
        return self.installs


def test_without_downloads_the_stand_ins_serve_and_every_run_says_so(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for _ in range(2):
        lines = machine.installer().install(silent).lines
        assert [line.partition(":")[0] for line in lines] == ["kubernetes 4.34.2", "docker 5.2.0", LANGUAGE_HOST]
        assert all("stand-in" in line for line in lines)
    assert machine.commands == []
    assert machine.requests == 2


def test_the_stand_ins_are_where_the_engine_looks(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    environment = machine.installer().install(silent)
    home = Path(environment.variables["PULUMI_HOME"])
    for name, version in (("kubernetes", "4.34.2"), ("docker", "5.2.0")):
        launcher = home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
        assert os.access(launcher, os.X_OK)
        assert f"sandbox.plugins.{name}" in launcher.read_text(encoding="utf-8")


def test_a_launcher_starts_the_plug_in_and_leaves_the_environment_alone(tmp_path: Path) -> None:
    """What the language host starts would inherit a PYTHONPATH, and import what the official host would not offer."""
    machine = Machine(tmp_path / "with a space")
    repository = tmp_path / "it's here"
    package = repository / "sandbox" / "plugins"
    package.mkdir(parents=True)
    (package / "docker.py").write_text(
        "import os, sys; print(__name__, sys.argv[1:], 'PYTHONPATH' in os.environ)", encoding="utf-8"
    )
    installer = machine.installer()
    installer.repository = repository
    installer.install(silent)
    launcher = installer.directory("docker") / "pulumi-resource-docker"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([launcher, "127.0.0.1:1"], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "__main__ ['127.0.0.1:1'] False", done.stderr


def test_the_official_plug_ins_are_downloaded_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path, status=200, installs=0)
    for _ in range(2):
        environment = machine.installer().install(silent)
        assert environment.lines[0] == "kubernetes 4.34.2: official plug-in"
    assert [command[1:] for command in machine.commands] == [
        ["plugin", "install", "resource", "kubernetes", "v4.34.2"],
        ["plugin", "install", "resource", "docker", "v5.2.0"],
    ]
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment.variables


def test_a_download_that_fails_leaves_the_stand_in_and_is_not_tried_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path, status=200, installs=1)
    for _ in range(2):
        assert "stand-in" in machine.installer().install(silent).lines[1]
    assert len(machine.commands) == 2
    assert (machine.installer().directory("docker") / "pulumi-resource-docker").exists()


def test_a_stand_in_gives_way_once_the_download_can_be_reached(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.installer().install(silent)
    machine.installer().downloads.file.unlink()
    machine.status, machine.installs = 200, 0
    assert "official plug-in" in machine.installer().install(silent).lines[1]


def test_a_moved_python_is_written_into_the_launchers(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.installer().install(silent)
    machine.python = Path("/somewhere/else/python")
    installer = machine.installer()
    installer.install(silent)
    launcher = installer.directory("docker") / "pulumi-resource-docker"
    assert "/somewhere/else/python" in launcher.read_text(encoding="utf-8")


def test_our_language_host_stands_beside_a_pulumi_that_came_without_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    environment = machine.installer().install(silent)
    directory = machine.paths.tools / "pulumi-key"
    assert os.access(directory / LANGUAGE_HOST, os.X_OK)
    assert environment.over({"PATH": "/usr/bin"})["PATH"] == f"{directory}:/usr/bin"


def test_the_language_host_that_came_with_pulumi_is_used(tmp_path: Path) -> None:
    machine = Machine(tmp_path, host=tmp_path / "official" / LANGUAGE_HOST)
    environment = machine.installer().install(silent)
    assert "official" in environment.lines[2]
    assert environment.first_on_path == (tmp_path / "official",)


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    files = [Path(machine.installer().install(silent).variables["PULUMI_CONFIG_PASSPHRASE_FILE"]) for _ in range(2)]
    first = files[0].read_text(encoding="ascii")
    assert files[0] == files[1]
    assert len(first) >= 32
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    machine.installer().install(silent)
    assert files[0].read_text(encoding="ascii") == first
    other = Machine(tmp_path / "other").installer().install(silent)
    assert Path(other.variables["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text(encoding="ascii") != first


def test_state_and_plug_ins_are_the_sandboxs_own(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    variables = machine.installer().install(silent).variables
    assert variables["PULUMI_BACKEND_URL"] == f"file://{machine.paths.data}/pulumi/state"
    assert Path(variables["PULUMI_BACKEND_URL"].removeprefix("file://")).is_dir()
    assert Path(variables["PULUMI_HOME"]).is_relative_to(machine.paths.data)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(SandboxError, match="cannot be written"):
        Machine(tmp_path).installer().install(silent)
