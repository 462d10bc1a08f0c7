"""One run of `pulumi` that tests watch while it runs, and kill."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.pulumi_runner import stack_files_as_they_were
from sandbox.up import OVERLAY
from sandbox.update import Updater
from tests.e2e.stack import UPDATE_SECONDS, Result, Stack

LOOK_SECONDS = 0.1
# As the README runs it, but for the preview, which changes nothing.
UP = ("up", "--yes", "--skip-preview", "--policy-pack", "policies")


@dataclass
class Run:
    """`pulumi` as it runs. Its output goes to a file: what the killed one started may live on, and hold a pipe."""

    child: subprocess.Popen[bytes]
    output: Path
    started: float

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def until(self, happened: Callable[[], bool], what: str, *, seconds: float = 300) -> None:
        """Wait until something has happened; what is waited for must come before the run ends."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert self.child.poll() is None, f"the run ended before: {what}\n{self.text}"
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.text}"
            time.sleep(LOOK_SECONDS)

    def says(self, text: str) -> None:
        """Wait until it has printed `text`."""
        self.until(lambda: text in self.text, text)

    def kill(self) -> None:
        """End it as a machine that fails ends it."""
        self.child.kill()
        self.child.wait()
        print(self.text)

    def result(self) -> Result:
        """Wait for its end."""
        self.child.wait(UPDATE_SECONDS)
        print(self.text)
        return Result(self.child.returncode, self.text, time.monotonic() - self.started)


@contextmanager
def running(stack: Stack, *arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Iterator[Run]:
    """Run `pulumi` with `arguments` on the stack while the body watches it; `variables` go over the sandbox's own.

    What still runs after the body is killed, and the lock of a killed run is removed as `make up` removes it.
    """
    overlay = stack.overlay_with(settings)
    environment = {**os.environ, **stack.runner.variables, OVERLAY: str(overlay)}
    output = stack.checkout.parent / f"run-{time.time_ns()}.txt"
    with stack_files_as_they_were(stack.checkout), output.open("wb") as file:
        child = subprocess.Popen(
            [str(stack.runner.cli.program), *arguments, "--stack", stack.name],
            cwd=stack.checkout,
            env={**stack.runner.environment.over(environment), **variables},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Run(child, output, time.monotonic())
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
            if child.returncode < 0:
                Updater(stack.runner, stack.name).remove_stale_locks()
