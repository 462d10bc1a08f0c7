"""The sandbox, and a checkout of this project that tests may change."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from sandbox.overlays.render import render
from sandbox.paths import REPOSITORY
from sandbox.phases import Phases
from sandbox.pulumi_runner import PulumiRunner
from sandbox.up import OVERLAY, Up
from sandbox.world import World

UPDATE_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@dataclass(frozen=True)
class Result:
    """What one run of `pulumi` printed, how it ended, and how many seconds it took."""

    status: int
    text: str
    seconds: float

    @property
    def error(self) -> str:
        """The line that names the reason."""
        found = re.findall(r"^\s*error: (.*)$", self.text, re.MULTILINE)
        return "\n".join(found)


@dataclass
class Stack:
    """The dev stack, run from a checkout of its own."""

    checkout: Path
    runner: PulumiRunner
    world: World
    overlay: Path

    def pulumi(self, *arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Result:
        """Run `pulumi` with `settings` laid over those of the sandbox."""
        file = self.checkout.parent / "overlay.yaml"
        values = yaml.safe_load(self.overlay.read_text(encoding="utf-8"))
        for concern, changed in (settings or {}).items():
            values[concern] = {**values.get(concern, {}), **changed} if isinstance(changed, dict) else changed
        file.write_text(yaml.safe_dump(values), encoding="utf-8")
        environment = {**os.environ, **self.runner.variables, OVERLAY: str(file), **variables}
        started = time.monotonic()
        done = subprocess.run(
            [str(self.runner.cli.program), *arguments],
            cwd=self.checkout,
            env=self.runner.environment.over(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=UPDATE_SECONDS,
            check=False,
        )
        print(done.stdout)
        return Result(done.returncode, done.stdout, time.monotonic() - started)

    def up(self, *arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Result:
        """Run `pulumi up` as the README does."""
        command = ("up", "--stack", "dev", "--yes", "--policy-pack", "policies", *arguments)
        return self.pulumi(*command, settings=settings, **variables)

    def health(self) -> dict[str, Any]:
        """Return what /health answers now, through the ingress."""
        answer = httpx.get("http://127.0.0.1/health", headers={"Host": "dev-api.internal"}, timeout=5)
        body: dict[str, Any] = answer.json()
        return body

    def change_application(self) -> None:
        """Change the application's source without committing it."""
        file = self.checkout / "sandbox" / "app" / "release_manager" / "__init__.py"
        with file.open("a", encoding="utf-8") as source:
            source.write(f"\nCHANGED_AT = {time.time_ns()}\n")


def _copy_of_the_work_tree(target: Path) -> Path:
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        source = REPOSITORY / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    (target / ".venv").symlink_to(REPOSITORY / ".venv")
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", "-C", str(target), *arguments], check=True)
    return target


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def stack(world: World, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    runner = Up(world, Phases(), "dev").environment()
    checkout = _copy_of_the_work_tree(tmp_path_factory.mktemp("checkout") / "project")
    values = {
        "kubeconfig": str(world.paths.kubeconfig),
        "base_image": world.images.base,
        "ca_file": str(world.paths.authority),
    }
    stack = Stack(checkout, runner, world, render(world.paths, "sandbox", values))
    stack.pulumi("stack", "select", "--create", "dev")
    return stack


@pytest.fixture(scope="session")
def verified(stack: Stack) -> Stack:
    """The stack with a verified release."""
    result = stack.up()
    assert result.status == 0, result.text
    return stack


@pytest.fixture
def namespace(world: World) -> Iterator[str]:
    """A namespace of its own, deleted afterwards."""
    name = f"test-{time.time_ns()}"
    world.kubectl.run("create", "namespace", name)
    yield name
    world.kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], str], None]:
    """Wait until a condition holds, at most a minute; the text says what is waited for."""

    def wait(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, f"not within a minute: {what}"
            time.sleep(0.2)

    return wait
