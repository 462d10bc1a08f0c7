"""The Pulumi command line is the one of the SDK's version, from the nearest place that has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from sandbox.toolchain.build import GIGABYTE, Toolchain
from sandbox.toolchain.downloads import REMEMBERED_SECONDS, Downloads
from sandbox.toolchain.pulumi_cli import INSTALLER, LANGUAGE_HOST, PulumiFinder
from tests.sandbox.toolchain_fakes import FakeGo, modules_in, paths_in

ADDRESS = "https://downloads.example/archive.tar.gz"


def silent(_: str) -> None:
    pass


class Internet:
    """Counts the requests and answers them all with `status`; None refuses the connection."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        self.requests: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(f"{request.method} {request.url}")
        if self.status is None:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(self.status)


class Machine:
    """A machine whose `pulumi` says `version`, and where the SDK's installer ends with `installs`."""

    def __init__(self, directory: Path, *, version: str = "", installs: int = 1, status: int | None = None) -> None:
        self.go = FakeGo()
        self.version = version
        self.installs = installs
        self.programs: dict[str, str] = {"go": "/usr/bin/go"}
        self.internet = Internet(status)
        self.now = 1_000_000.0
        self.installed = 0
        self.directory = directory
        modules_in(directory / "modules")

    def put(self, directory: Path, *names: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            (directory / name).write_text("", encoding="utf-8")
            self.programs[name] = str(directory / name)

    def finder(self) -> PulumiFinder:
        paths = paths_in(self.directory)
        downloads = Downloads(paths, httpx.MockTransport(self.internet), clock=lambda: self.now)
        which: Callable[[str], str | None] = self.programs.get
        toolchain = Toolchain(
            paths,
            follow=self.go,
            which=which,
            free_bytes=lambda _: 100 * GIGABYTE,
            modules=self.directory / "modules",
        )
        return PulumiFinder(paths, toolchain, downloads, follow=self.follow, which=which, version="3.250.0")

    def follow(
        self,
        command: Sequence[str],
        *,
        directory: Path,  # noqa: ARG002
        environment: Mapping[str, str],  # noqa: ARG002
        seconds: float,
        on_line: Callable[[str], None],
    ) -> int:
        assert seconds <= 120
        if command[-1] == "version":
            on_line("warning: something")
            on_line(f"v{self.version}")
            return 0
        assert command[2] == INSTALLER
        self.installed += 1
        if self.installs == 0:
            root = Path(command[3])
            (root / "bin").mkdir()
            for name in ("pulumi", LANGUAGE_HOST):
                (root / "bin" / name).write_text("", encoding="utf-8")
        return self.installs


def test_a_suitable_pulumi_on_path_is_used(tmp_path: Path) -> None:
    machine = Machine(tmp_path, version="3.250.0")
    machine.put(tmp_path / "bin", "pulumi", LANGUAGE_HOST)
    cli = machine.finder().find(silent)
    assert cli.program == tmp_path / "bin" / "pulumi"
    assert cli.language_host == tmp_path / "bin" / LANGUAGE_HOST
    assert "on PATH" in cli.origin
    assert machine.internet.requests == []


def test_another_version_on_path_is_not_used(tmp_path: Path) -> None:
    machine = Machine(tmp_path, version="3.249.0")
    machine.put(tmp_path / "bin", "pulumi", LANGUAGE_HOST)
    assert "built" in machine.finder().find(silent).origin


def test_a_pulumi_on_path_without_its_language_host_is_not_used(tmp_path: Path) -> None:
    machine = Machine(tmp_path, version="3.250.0")
    machine.put(tmp_path / "bin", "pulumi")
    assert "built" in machine.finder().find(silent).origin


def test_the_official_download_is_used_and_kept(tmp_path: Path) -> None:
    machine = Machine(tmp_path, installs=0, status=200)
    first = machine.finder().find(silent)
    second = machine.finder().find(silent)
    assert first == second
    assert "official download" in first.origin
    assert first.language_host is not None
    assert machine.installed == 1
    assert machine.go.count("build") == 0


def test_without_a_download_it_is_built_and_nobody_waits_again_for_a_day(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    cli = machine.finder().find(silent)
    assert "built from its Go module" in cli.origin
    assert cli.language_host is None
    machine.finder().find(silent)
    assert len(machine.internet.requests) == 1
    machine.now += REMEMBERED_SECONDS + 1
    machine.finder().find(silent)
    assert len(machine.internet.requests) == 2


def test_an_installer_that_fails_leaves_nothing_and_is_not_tried_again_for_a_day(tmp_path: Path) -> None:
    machine = Machine(tmp_path, installs=1, status=200)
    assert "built" in machine.finder().find(silent).origin
    assert not list(machine.finder().paths.tools.glob("*official*"))
    assert not list(machine.finder().paths.tools.glob(".pulumi-official*"))
    machine.finder().find(silent)
    assert machine.installed == 1


@pytest.mark.parametrize(("status", "possible"), [(200, True), (403, False), (503, False), (None, False)])
def test_a_download_is_possible_where_its_own_address_answers(
    tmp_path: Path, status: int | None, *, possible: bool
) -> None:
    internet = Internet(status)
    assert Downloads(paths_in(tmp_path), httpx.MockTransport(internet)).possible(ADDRESS) is possible
    assert internet.requests == [f"HEAD {ADDRESS}"]


def test_a_good_answer_is_not_kept_beyond_the_run(tmp_path: Path) -> None:
    for _ in range(2):
        internet = Internet(200)
        downloads = Downloads(paths_in(tmp_path), httpx.MockTransport(internet))
        assert downloads.possible(ADDRESS)
        assert downloads.possible(ADDRESS)
        assert len(internet.requests) == 1


def test_a_probe_that_hangs_is_given_up(tmp_path: Path) -> None:
    """A name server that does not answer holds a look-up for longer than any connection's time-out."""

    def hang(_: httpx.Request) -> httpx.Response:
        time.sleep(3)
        return httpx.Response(200)

    downloads = Downloads(paths_in(tmp_path), httpx.MockTransport(hang), probe_seconds=0.1)
    started = time.monotonic()
    assert not downloads.possible(ADDRESS)
    assert time.monotonic() - started < 2


def test_a_broken_note_is_no_answer(tmp_path: Path) -> None:
    downloads = Downloads(paths_in(tmp_path), httpx.MockTransport(Internet(200)))
    downloads.file.parent.mkdir(parents=True)
    downloads.file.write_text("{", encoding="utf-8")
    assert downloads.possible(ADDRESS)
