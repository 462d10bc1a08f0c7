"""Production on the sandbox, from a checkout of its own, and releases that differ in nothing but their environment."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import httpx

from cluster.access import connect
from cluster.releases import serving_release
from evidence.registry import Registry
from sandbox.cluster.layout import CONTEXT
from sandbox.errors import SandboxError
from sandbox.load.answer import Answer
from sandbox.load.load import Load
from sandbox.phases import Phases
from sandbox.up import OVERLAY, Up
from sandbox.update import Updater
from sandbox.world import World
from tests.e2e.after_others import day_after_all_releases, waive_what_other_checkouts_knew, waivers_with
from tests.e2e.checkout import copy_of_the_work_tree, with_a_remote
from tests.e2e.stack import QUICK_CANARY, Result, Stack

NAME = "prod"
URL = "https://api.internal"
# The rollback itself ends with the health check: a short one, as the canary is off the Service long before it.
QUICK_END: Mapping[str, Any] = {"health": QUICK_CANARY["health"]}
# On a small machine half of all pods start at the same moment, at the expense of what they are to answer.
MOST_RATE_OF_GOOD = 60
BEFORE_SECONDS = 2.0
AFTER_SECONDS = 2.0
_TAKEN_BACK = re.compile(r"was taken back in \S+ at step (\d+ %)")
_UNAPPROVED_SQL = re.compile(r"MIGRATION=([0-9a-f]{64})")
MEND = "see what pulumi printed, in the file that is named above, and the state of production: make history STACK=prod"


@dataclass(frozen=True)
class BadRelease:
    """A release that is bad: all answers of the load, and the step that took it back, as `10 %`; None if none did."""

    version: str
    answers: Sequence[Answer]
    taken_back_at: str | None


@dataclass
class Production:
    """The stack prod, whose releases are named after days that no other release is named after.

    `good` is the version that is verified and goes on serving. What `pulumi` prints goes to `log`.
    """

    stack: Stack
    log: TextIO
    good: str = ""

    @classmethod
    def open(cls, world: World, directory: Path, log: TextIO) -> Production:
        """Make the sandbox ready for production, with a checkout of this work tree below `directory`."""
        runner = Up(world, Phases(), NAME).environment()
        stack = Stack(
            name=NAME,
            deployment=f"release-manager-{NAME}",
            url=httpx.URL(URL),
            checkout=copy_of_the_work_tree(directory / "project"),
            runner=runner,
            world=world,
            overlay=Path(runner.variables[OVERLAY]),
        )
        production = cls(stack, log)
        with redirect_stdout(log):
            stack.pulumi("stack", "select", "--create", NAME)
            Updater(runner, NAME).remove_stale_locks()
            with_a_remote(stack.checkout)
            stack.first = day_after_all_releases(stack)
            if serving_release(connect(str(world.paths.kubeconfig), CONTEXT, stack.namespace), stack.deployment):
                waive_what_other_checkouts_knew(stack)
        return production

    def release_good(self, rate: int) -> list[Answer]:
        """Release this work tree as the version to go back to, and return the answers of the load meanwhile.

        The load is `rate` requests a second, but MOST_RATE_OF_GOOD at most. Raises SandboxError where it fails.
        """
        rate = min(rate, MOST_RATE_OF_GOOD)
        with redirect_stdout(self.log):
            self.good = self.stack.approved_release()
        answers, result = self._up_under_load(rate, QUICK_CANARY)
        sql = _UNAPPROVED_SQL.search(result.text)
        if result.status != 0 and sql is not None:
            with redirect_stdout(self.log):
                self.stack.approve("--migration", sql[1])
            answers, result = self._up_under_load(rate, QUICK_CANARY)
        if result.status != 0:
            raise SandboxError(f"the good release {self.good} failed: {_reason(result)}", mend=MEND)
        return answers

    def release_bad(self, environment: Mapping[str, str], rate: int, settings: Mapping[str, Any]) -> BadRelease:
        """Release the image of the good version with `environment`, under load; the good one serves afterwards.

        Raises SandboxError where the release failed before it answered a request.
        """
        with redirect_stdout(self.log):
            version = self.stack.release()
            # What is approved is the image that there is, so it comes before the approval.
            self._name_the_image()
            self.stack.approve("--release", version)
        bad: dict[str, Any] = {"application": {"environment": dict(environment)}}
        if "prometheus" in settings:
            # One that fails is asked by the checklist first, which would let nothing begin.
            waivers = waivers_with(self.stack, "environment", reason="Prometheus fails in this bench")
            bad["checklist"] = {"waivers": waivers}
        answers, result = self._up_under_load(rate, {**QUICK_END, **settings, **bad})
        release = BadRelease(version, answers, taken_back_at(result.error))
        if release.taken_back_at is None:
            if not any(answer.version == version for answer in answers):
                raise SandboxError(f"{version} failed before it served: {_reason(result)}", mend=MEND)
            with redirect_stdout(self.log):
                self.stack.command("rollback", "--to", self.good)
        return release

    def usual_seconds(self, rate: int, seconds: float) -> float:
        """Return the median latency of the route while the good version alone serves."""
        with self._load(rate) as load:
            load.wait(seconds)
        latencies = sorted(answer.latency_seconds for answer in load.results() if answer.failure() is None)
        if not latencies:
            raise SandboxError(f"{URL} answers no request", mend=MEND)
        return latencies[len(latencies) // 2]

    def be_good_again(self) -> None:
        """See to it that the good version serves alone and is verified. Raises SandboxError where it does not."""
        with redirect_stdout(self.log):
            Updater(self.stack.runner, NAME).remove_stale_locks()
            if self._serving() != self.good:
                self.stack.command("rollback", "--to", self.good)
            self.stack.git("checkout", "-q", self.good)
            result = self.stack.up("--skip-preview", settings=QUICK_CANARY)
            self.stack.git("checkout", "-q", "main")
        if result.status != 0 or self._serving() != self.good:
            raise SandboxError(f"{self.good} does not serve again: {_reason(result)}", mend=MEND)

    def _serving(self) -> str:
        try:
            return str(self.stack.health().get("version", ""))
        except (httpx.HTTPError, ValueError) as error:
            return f"no answer ({type(error).__name__})"

    def _up_under_load(self, rate: int, settings: Mapping[str, Any]) -> tuple[list[Answer], Result]:
        with self._load(rate) as load:
            time.sleep(BEFORE_SECONDS)
            with redirect_stdout(self.log):
                result = self.stack.up("--skip-preview", settings=dict(settings))
            time.sleep(AFTER_SECONDS)
        return load.results(), result

    @contextmanager
    def _load(self, rate: int) -> Iterator[Load]:
        with redirect_stdout(self.log):
            load = self.stack.load(rate)
        with load:
            yield load

    def _name_the_image(self) -> None:
        """Give the good version's image the tag of the new commit, so that nothing is built."""
        repository, _, digest = self.stack.running_image().partition("@")
        with Registry(repository, None) as registry:
            registry.retag(digest, f"{NAME}-{self.stack.git('rev-parse', '--short=7', 'HEAD')}")


def taken_back_at(error: str) -> str | None:
    """Return the step at which an update says that it took its release back, such as `10 %`; None where it did not."""
    found = _TAKEN_BACK.search(error)
    return None if found is None else found[1]


def _reason(result: Result) -> str:
    """Return the line that names the reason; the engine's own says only that it failed."""
    lines = [line for line in result.error.splitlines() if line != "update failed"]
    return lines[0][:300] if lines else "it named no error"
