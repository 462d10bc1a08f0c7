"""Tools are built once for what decides their outcome, and a build that does not end leaves nothing."""

from __future__ import annotations

import fcntl
import sys
import time
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.processes import start_time
from sandbox.toolchain.build import BUILD_SECONDS, GIGABYTE, MODULES, TOOLS, Toolchain
from sandbox.toolchain.children import TIMED_OUT, follow
from sandbox.toolchain.go import release
from tests.sandbox.toolchain_fakes import FakeGo, modules_in, paths_in


def silent(_: str) -> None:
    pass


@pytest.fixture
def go() -> FakeGo:
    return FakeGo()


@pytest.fixture
def toolchain(tmp_path: Path, go: FakeGo) -> Toolchain:
    return Toolchain(
        paths_in(tmp_path),
        follow=go,
        which=lambda name: f"/usr/bin/{name}",
        free_bytes=lambda _: 100 * GIGABYTE,
        modules=modules_in(tmp_path / "modules"),
    )


def left_in(toolchain: Toolchain) -> list[str]:
    return sorted(path.name for path in toolchain.paths.tools.iterdir() if path.name != ".lock")


def test_a_tool_is_built_once(toolchain: Toolchain, go: FakeGo) -> None:
    first = toolchain.ensure(["kubernetes"], silent)[0]
    second = toolchain.ensure(["kubernetes"], silent)[0]
    assert first.program.read_text(encoding="utf-8") == "a program"
    assert (first.fresh, second.fresh, first.version) == (True, False, "v1.34.2")
    assert go.count("build") == 1


def test_only_the_tools_that_are_asked_for_are_built(toolchain: Toolchain) -> None:
    toolchain.ensure(["coredns"], silent)
    assert [name.partition("-")[0] for name in left_in(toolchain)] == ["coredns"]


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_a_changed_source_is_built_anew_and_the_old_tool_removed(toolchain: Toolchain, file: str) -> None:
    old = toolchain.ensure(["kubernetes", "coredns"], silent)[0]
    with (toolchain.modules / "kubernetes" / file).open("a", encoding="utf-8") as opened:
        opened.write("\n// changed")
    new = toolchain.ensure(["kubernetes"], silent)[0]
    assert new.fresh
    assert not old.program.exists()
    assert [name.partition("-")[0] for name in left_in(toolchain)] == ["coredns", "kubernetes"]


def test_another_go_builds_anew(toolchain: Toolchain, go: FakeGo) -> None:
    before = toolchain.key(TOOLS["pulumi"])
    go.version = "go version go1.26.2 linux/amd64"
    assert toolchain.key(TOOLS["pulumi"]) != before


def test_the_version_is_linked_into_the_tool(toolchain: Toolchain, go: FakeGo) -> None:
    toolchain.ensure(["pulumi"], silent)
    build = next(command for command in go.commands if command[0] == "build")
    assert build[build.index("-ldflags") + 1].endswith("version.Version=v3.250.0")


@pytest.mark.parametrize("lines", [("# x", "x.go:1: undefined: y"), ("write /tmp/b: no space left on device",)])
def test_a_failed_build_leaves_nothing(toolchain: Toolchain, go: FakeGo, lines: tuple[str, ...]) -> None:
    go.fail_with = lines
    with pytest.raises(SandboxError):
        toolchain.ensure(["kubernetes"], silent)
    assert left_in(toolchain) == []


def test_an_interrupted_build_leaves_nothing_and_the_next_one_succeeds(toolchain: Toolchain, go: FakeGo) -> None:
    go.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        toolchain.ensure(["kubernetes"], silent)
    assert left_in(toolchain) == []
    go.interrupt = False
    assert toolchain.ensure(["kubernetes"], silent)[0].fresh


def test_a_build_that_was_killed_half_way_is_started_anew(toolchain: Toolchain) -> None:
    name = f"kubernetes-{toolchain.key(TOOLS['kubernetes'])}"
    partial = toolchain.paths.tools / f".{name}.partial"
    partial.mkdir(parents=True)
    (partial / "kubernetes").write_text("half of it", encoding="utf-8")
    toolchain.ensure(["kubernetes"], silent)
    assert left_in(toolchain) == [name]


def test_progress_counts_the_packages_that_are_still_to_be_compiled(toolchain: Toolchain) -> None:
    shown: list[str] = []
    toolchain.ensure(["kubernetes"], shown.append)
    assert shown == ["compiling kubernetes: 1 of 2 packages", "compiling kubernetes: 2 of 2 packages"]


def test_the_log_of_a_build_is_kept(toolchain: Toolchain, go: FakeGo) -> None:
    go.fail_with = ("# x", "x.go:1: undefined: y")
    with pytest.raises(SandboxError, match="undefined: y"):
        toolchain.ensure(["kubernetes"], silent)
    assert "undefined: y" in (toolchain.paths.logs / "build-kubernetes.log").read_text(encoding="utf-8")


def test_without_go_one_line_says_where_it_comes_from(
    toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    toolchain.which = lambda _: None
    monkeypatch.setattr("sandbox.toolchain.go.USUAL_PLACE", tmp_path / "nothing")
    with pytest.raises(SandboxError, match="Go is not on this machine") as error:
        toolchain.ensure(["kubernetes"], silent)
    assert "go.dev/dl" in error.value.mend
    assert "\n" not in str(error.value)


def test_an_old_go_is_refused_before_anything_is_downloaded(toolchain: Toolchain, go: FakeGo) -> None:
    go.version = "go version go1.19.8 linux/amd64"
    with pytest.raises(SandboxError, match=r"go1\.19\.8.*needs Go 1\.25\.3"):
        toolchain.ensure(["kubernetes"], silent)
    assert go.count("list") == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dial tcp: lookup proxy.example: no such host", "cannot download a module"),
        ("reading https://proxy.example/x: 403 Forbidden", "cannot download a module"),
        ("verifying module: missing go.sum entry", "does not fit its go.mod"),
        ("compile: writing output: no space left on device", "the disk is full"),
    ],
)
def test_the_cause_of_a_failure_is_told_in_one_line(toolchain: Toolchain, go: FakeGo, line: str, words: str) -> None:
    go.fail_with = ("go: downloading x v1", line, "and then some")
    with pytest.raises(SandboxError, match=words) as error:
        toolchain.ensure(["kubernetes"], silent)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("stale", "free", "enough"), [(4, 6, False), (4, 8, True), (0, 2, True), (0, 0.5, False)])
def test_the_room_that_is_asked_for_fits_what_is_left_to_compile(
    toolchain: Toolchain, go: FakeGo, stale: int, free: float, *, enough: bool
) -> None:
    go.stale = stale
    toolchain.free_bytes = lambda _: int(free * GIGABYTE)
    if enough:
        assert toolchain.ensure(["kubernetes"], silent)[0].fresh
        return
    with pytest.raises(SandboxError, match="the disk is full"):
        toolchain.ensure(["kubernetes"], silent)
    assert go.count("build") == 0


def test_a_second_build_waits_for_the_first_and_not_for_ever(toolchain: Toolchain, go: FakeGo) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds * 60

    toolchain.clock, toolchain.sleep = (lambda: now), sleep
    toolchain.paths.tools.mkdir(parents=True)
    shown: list[str] = []
    with (toolchain.paths.tools / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SandboxError, match="another build"):
            toolchain.ensure(["kubernetes"], shown.append)
    assert now >= BUILD_SECONDS
    assert "waiting for another build to end" in shown
    assert go.count("build") == 0


def test_an_unknown_tool_is_refused(toolchain: Toolchain) -> None:
    with pytest.raises(SandboxError, match="no tool 'kubernetess'"):
        toolchain.ensure(["kubernetess"], silent)


@pytest.mark.parametrize("name", TOOLS)
def test_our_own_modules_pin_every_tool(name: str, toolchain: Toolchain) -> None:
    toolchain.modules = MODULES
    assert toolchain.version(TOOLS[name]).startswith("v")


@pytest.mark.parametrize(("older", "newer"), [("go1.9", "go1.10"), ("go1.25", "go1.25.1"), ("nothing", "go1.1")])
def test_releases_of_go_are_compared_by_number(older: str, newer: str) -> None:
    assert release(older) < release(newer)


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    script = "sleep 60 & echo $!; wait"
    lines: list[str] = []
    started = time.monotonic()
    status = follow(["sh", "-c", script], directory=tmp_path, environment={}, seconds=0.3, on_line=lines.append)
    assert status == TIMED_OUT
    assert time.monotonic() - started < 5
    # A killed process takes a moment to be gone.
    deadline = time.monotonic() + 5
    while start_time(int(lines[0])) is not None:
        assert time.monotonic() < deadline, "the child outlived its command"
        time.sleep(0.01)


def test_a_command_is_followed_line_by_line_to_its_status(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import os, sys; print(os.environ['A']); print('b', file=sys.stderr); sys.exit(3)"
    command = [sys.executable, "-c", code]
    assert follow(command, directory=tmp_path, environment={"A": "a"}, seconds=30, on_line=lines.append) == 3
    assert sorted(lines) == ["a", "b"]
