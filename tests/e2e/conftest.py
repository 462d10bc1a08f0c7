"""The sandbox, and a checkout of this project that tests may change."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from sandbox.paths import REPOSITORY
from sandbox.phases import Phases
from sandbox.pulumi_runner import PulumiRunner, stack_files_as_they_were
from sandbox.up import NAMESPACES, OVERLAY, Up
from sandbox.update import Updater
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
    """One stack, run from a checkout of its own. `url` is where it answers, through the ingress of the sandbox."""

    name: str
    deployment: str
    url: httpx.URL
    checkout: Path
    runner: PulumiRunner
    world: World
    overlay: Path

    @property
    def namespace(self) -> str:
        """The namespace of its environment."""
        return NAMESPACES[self.name]

    def pulumi(self, *arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Result:
        """Run `pulumi` with `settings` laid over those of the sandbox."""
        environment = {
            **os.environ,
            **self.runner.variables,
            OVERLAY: str(self._overlay(settings)),
            **variables,
        }
        started = time.monotonic()
        with stack_files_as_they_were(self.checkout):
            done = self._run([str(self.runner.cli.program), *arguments], self.runner.environment.over(environment))
        print(done.stdout)
        return Result(done.returncode, done.stdout, time.monotonic() - started)

    def up(self, *arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Result:
        """Run `pulumi up` as the README does."""
        command = ("up", "--stack", self.name, "--yes", "--policy-pack", "policies", *arguments)
        return self.pulumi(*command, settings=settings, **variables)

    def command(self, *arguments: str, settings: dict[str, Any] | None = None) -> Result:
        """Run `python -m commands` as the Makefile does, with `settings` laid over those of the sandbox."""
        environment = {**os.environ, OVERLAY: str(self._overlay(settings))}
        started = time.monotonic()
        done = self._run([sys.executable, "-m", "commands", *arguments, "--stack", self.name], environment)
        print(done.stdout)
        return Result(done.returncode, done.stdout, time.monotonic() - started)

    def output(self, name: str) -> str:
        """Return one output of the stack."""
        return self.pulumi("stack", "output", name, "--stack", self.name).text.strip()

    def health(self) -> dict[str, Any]:
        """Return what /health answers now, through the ingress, under the sandbox's own authority where it is TLS."""
        with httpx.Client(verify=ssl.create_default_context(cafile=str(self.world.paths.authority))) as client:
            answer = client.get(
                self.url.copy_with(host="127.0.0.1", path="/health"),
                headers={"Host": self.url.host},
                extensions={"sni_hostname": self.url.host},
                timeout=5,
            )
        body: dict[str, Any] = answer.json()
        return body

    def running_image(self) -> str:
        """Return the image that the Deployment's template names."""
        found = self.world.kubectl.get_json("deployment", self.deployment, namespace=self.namespace)
        image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    def pods(self) -> set[str]:
        """Return the names of the application's pods that are not on their way out."""
        found = self.world.kubectl.get_json("pods", "-l", "app=release-manager", namespace=self.namespace)
        return {pod["metadata"]["name"] for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]}

    def git(self, *arguments: str) -> str:
        """Run git in the checkout and return what it printed."""
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        command = ["git", "-C", str(self.checkout), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def release(self, *, tag: str | None = None) -> str:
        """Commit what is there, tag it as a release of staging, push both, and return the tag."""
        name, moment = tag or "", datetime.now(UTC)
        while not name or name in self.git("tag", "--list").splitlines():
            name = moment.strftime("v%Y.%m.%d.%H%M%S")
            moment += timedelta(seconds=1)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"release {name}")
        self.git("tag", "-a", name, "-m", name)
        self.git("push", "-q", "origin", "HEAD", name)
        return name

    def change_application(self) -> None:
        """Change the application's source without committing it."""
        file = self.checkout / "sandbox" / "app" / "release_manager" / "__init__.py"
        with file.open("a", encoding="utf-8") as source:
            source.write(f"\nCHANGED_AT = {time.time_ns()}\n")

    def _overlay(self, settings: dict[str, Any] | None) -> Path:
        file = self.checkout.parent / "overlay.yaml"
        values = yaml.safe_load(self.overlay.read_text(encoding="utf-8"))
        for concern, changed in (settings or {}).items():
            values[concern] = {**values.get(concern, {}), **changed} if isinstance(changed, dict) else changed
        file.write_text(yaml.safe_dump(values), encoding="utf-8")
        return file

    def _run(self, command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.checkout,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=UPDATE_SECONDS,
            check=False,
        )


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
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", "-C", str(target), *arguments], check=True)
    return target


@pytest.fixture(scope="session")
def world() -> World:
    return World()


def _stack(world: World, name: str, url: str, checkout: Path) -> Stack:
    runner = Up(world, Phases(), name).environment()
    overlay = Path(runner.variables[OVERLAY])
    stack = Stack(
        name=name,
        deployment=f"release-manager-{name}",
        url=httpx.URL(url),
        checkout=_copy_of_the_work_tree(checkout),
        runner=runner,
        world=world,
        overlay=overlay,
    )
    selected = stack.pulumi("stack", "select", "--create", name)
    assert selected.status == 0, selected.text
    Updater(runner, name).remove_stale_locks()
    return stack


@pytest.fixture(scope="session")
def stack(world: World, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return _stack(world, "dev", "http://dev-api.internal", tmp_path_factory.mktemp("dev") / "project")


@pytest.fixture(scope="session")
def verified(stack: Stack) -> Stack:
    """The stack with a verified release."""
    result = stack.up()
    assert result.status == 0, result.text
    return stack


@pytest.fixture(scope="session")
def staging(world: World, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The staging stack: its checkout's commit is pushed to a remote of its own and carries a release tag."""
    directory = tmp_path_factory.mktemp("staging")
    stack = _stack(world, "staging", "https://staging-api.internal", directory / "project")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(directory / "origin.git")], check=True)
    stack.git("remote", "add", "origin", str(directory / "origin.git"))
    stack.release()
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
