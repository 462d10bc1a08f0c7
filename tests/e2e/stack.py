"""One stack on the sandbox, run from a checkout that tests may change."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from commands.release_file import Commit, Told, release_file
from sandbox.load.account import Account, account
from sandbox.load.load import Load
from sandbox.load.target import Target
from sandbox.pulumi_runner import PulumiRunner, stack_files_as_they_were
from sandbox.up import NAMESPACES, OVERLAY
from sandbox.world import World

UPDATE_SECONDS = 900
# Who approves, by the stack files.
BY = "release-manager"
# For tests that do not ask how finely a canary is judged: some hundred requests a step, a short verification.
QUICK_CANARY: dict[str, Any] = {
    "analysis": {"rule_out_error_percent": [5, 3, 1], "rule_out_slow_percent": [10, 5, 5], "minimum_seconds": 3},
    "health": {"attempts": 2, "interval_seconds": 0.5},
    # Its p99 is that of the five minutes before, in which this machine has done a lot besides.
    "verification": {"key_metrics": None},
}


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
    """One stack, run from a checkout of its own. `url` is where it answers, through the ingress of the sandbox.

    `first` is the moment that its next release is named after, where that is not now.
    """

    name: str
    deployment: str
    url: httpx.URL
    checkout: Path
    runner: PulumiRunner
    world: World
    overlay: Path
    first: datetime | None = None

    @property
    def namespace(self) -> str:
        """The namespace of its environment."""
        return NAMESPACES[self.name]

    def pulumi(self, *arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Result:
        """Run `pulumi` with `settings` laid over those of the sandbox."""
        environment = {
            **os.environ,
            **self.runner.variables,
            OVERLAY: str(self.overlay_with(settings)),
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

    def up_under_load(
        self, *arguments: str, rate: int, settings: dict[str, Any] | None = None, new_connections: bool = False
    ) -> tuple[Result, Account]:
        """Run `pulumi up` while `rate` requests a second are sent, and return what became of both."""
        with self.load(rate, new_connections=new_connections) as load:
            result = self.up(*arguments, settings=settings)
        found = account(load.results())
        print(*found.lines(), sep="\n")
        return result, found

    def load(self, rate: int, *, seconds: float = UPDATE_SECONDS, new_connections: bool = False) -> Load:
        """Return a load of `rate` requests a second on this stack, to be started."""
        vegeta = self.world.vegeta(print).program
        target = Target.of_stack(self.name, self.world.paths, directory=self.checkout)
        return Load(vegeta, target, rate=rate, seconds=seconds, new_connections=new_connections)

    def command(self, *arguments: str, settings: dict[str, Any] | None = None) -> Result:
        """Run `python -m commands` as the Makefile does, with `settings` laid over those of the sandbox."""
        variables = {**os.environ, **self.runner.variables, OVERLAY: str(self.overlay_with(settings))}
        started = time.monotonic()
        with stack_files_as_they_were(self.checkout):
            environment = self.runner.environment.over(variables)
            done = self._run([sys.executable, "-m", "commands", *arguments, "--stack", self.name], environment)
        print(done.stdout)
        return Result(done.returncode, done.stdout, time.monotonic() - started)

    def approve(self, *subject: str, settings: dict[str, Any] | None = None) -> None:
        """Approve `--release <version>` or `--migration <sha256>` as the Makefile does."""
        done = self.command("approve", *subject, "--by", BY, settings=settings)
        assert done.status == 0, done.text

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

    def objects(self, kinds: str = "deployments,services,ingresses,jobs,configmaps") -> dict[str, str]:
        """Return every object of a release of these kinds, with what shows that it was made anew or changed."""
        found = self.world.kubectl.get_json(kinds, namespace=self.namespace)["items"]
        return {
            f"{each['kind']}/{name}": f"{each['metadata']['uid']}/{each['metadata'].get('generation')}"
            for each in found
            if (name := each["metadata"]["name"]).startswith(self.deployment)
        }

    def git(self, *arguments: str) -> str:
        """Run git in the checkout and return what it printed."""
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        command = ["git", "-C", str(self.checkout), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def release(self, *, tag: str | None = None) -> str:
        """Commit what is there, tag it as the stack file wants a release tagged, push it, and return the tag."""
        file = yaml.safe_load((self.checkout / f"Pulumi.{self.name}.yaml").read_text(encoding="utf-8"))
        wanted = file["config"]["release-manager:release"]
        form: str = wanted["tag"]
        # Several releases within what the form can tell apart take the moments that follow.
        name, moment = tag or "", self.first or datetime.now(UTC)
        while not name or name in self.git("tag", "--list").splitlines():
            name = moment.strftime(form)
            moment += timedelta(seconds=1) if "%S" in form else timedelta(days=1)
        if self.name == "prod":
            self._write_release_file(name)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"release {name}")
        self.git("tag", "-a", name, "-m", name)
        pushed = ["HEAD", name]
        if "branch" in wanted:
            branch = datetime.strptime(name, form).replace(tzinfo=UTC).strftime(wanted["branch"])
            self.git("branch", branch, "HEAD")
            pushed.append(branch)
        self.git("push", "-q", "origin", *pushed)
        return name

    def _write_release_file(self, version: str) -> None:
        """Write what the checklist of production wants to read about a release."""
        told = Told(
            estimated_minutes=10,
            rollback="make rollback STACK=prod",
            architecture=(),
            critical=False,
            announcement="",
            breaking=(),
            plan="Canary, then verification.",
        )
        file = self.checkout / "releases" / f"{version}.md"
        file.parent.mkdir(exist_ok=True)
        commits = [Commit(self.git("rev-parse", "--short=7", "HEAD"), "test", "a change for a test")]
        file.write_text(release_file(version, told, commits, ""), encoding="utf-8")

    def approved_release(self) -> str:
        """Make a release of what is there, approve it, and return its version."""
        version = self.release()
        self.approve("--release", version)
        return version

    def change_application(self) -> None:
        """Change the application's source without committing it."""
        file = self.checkout / "sandbox" / "app" / "release_manager" / "__init__.py"
        with file.open("a", encoding="utf-8") as source:
            source.write(f"\nCHANGED_AT = {time.time_ns()}\n")

    @contextmanager
    def over_all(self, settings: dict[str, Any]) -> Iterator[None]:
        """Lay `settings` over those of the sandbox for every run in the body."""
        before = self.overlay
        file = self.checkout.parent / f"overlay-{time.time_ns()}.yaml"
        file.write_text(self.overlay_with(settings).read_text(encoding="utf-8"), encoding="utf-8")
        self.overlay = file
        try:
            yield
        finally:
            self.overlay = before

    def overlay_with(self, settings: dict[str, Any] | None) -> Path:
        """Write `settings` over those of the sandbox into the file that `pulumi` is told of, and return it."""
        file = self.checkout.parent / "overlay.yaml"
        values = yaml.safe_load(self.overlay.read_text(encoding="utf-8"))
        # Of production only those tests need a watch that ask for one; the others end with their verification.
        values.setdefault("watch", {})["mode"] = "off"
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
