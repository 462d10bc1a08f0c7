"""Runs `pulumi` on this repository with the sandbox's environment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY
from sandbox.plugins.install import PulumiEnvironment
from sandbox.toolchain.pulumi_cli import PulumiCli

UPDATE_SECONDS = 90 * 60.0
SHORT_SECONDS = 120.0
# How long an update that was told to stop may take to finish its running steps and write the state.
CANCEL_SECONDS = 60.0
SALT = re.compile(r"^encryptionsalt: .*\n?", re.MULTILINE)


@contextmanager
def stack_files_as_they_were(directory: Path) -> Iterator[None]:
    """Take the line `encryptionsalt` out again that `pulumi` adds to a stack file in the body.

    It fits the sandbox's own passphrase only: in the checkout it would be an uncommitted change of a file that also
    serves real clusters. The state keeps a copy of its own.
    """
    before = {file: file.read_text(encoding="utf-8") for file in directory.glob("Pulumi.*.yaml")}
    try:
        yield
    finally:
        for file, text in before.items():
            now = file.read_text(encoding="utf-8")
            if SALT.search(text) is None and SALT.sub("", now).rstrip() == text.rstrip() and now != text:
                file.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class PulumiRunner:
    """Runs one command line with one environment. `cancel_seconds` is the time an interrupted run has to end."""

    cli: PulumiCli
    environment: PulumiEnvironment
    directory: Path = REPOSITORY
    cancel_seconds: float = CANCEL_SECONDS
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, arguments: Sequence[str], *, seconds: float = UPDATE_SECONDS) -> int:
        """Run `pulumi` with `arguments`, its output going where ours goes, and return its exit status.

        After `seconds`, and at an interrupt from the keyboard, the run is told to stop, so that it writes its state,
        and is killed if it does not. Raises SandboxError where time ran out, KeyboardInterrupt where it was
        interrupted.
        """
        return self._run(arguments, seconds, None)[0]

    def output(self, arguments: Sequence[str], *, seconds: float = SHORT_SECONDS) -> str:
        """Run `pulumi` with `arguments` and return what it printed. Raises SandboxError if it fails."""
        status, printed = self._run(arguments, seconds, subprocess.PIPE)
        if status != 0:
            raise SandboxError(
                f"'pulumi {' '.join(arguments)}' ended with status {status}",
                mend="see its message above, mend what it names, then run the same command again",
            )
        return printed

    def select(self, stack: str) -> None:
        """Select `stack`, creating it where it does not exist. Raises SandboxError."""
        self.output(["stack", "select", "--create", stack])

    def _run(self, arguments: Sequence[str], seconds: float, stdout: int | IO[str] | None) -> tuple[int, str]:
        with stack_files_as_they_were(self.directory):
            return self._run_in(arguments, seconds, stdout)

    def _run_in(self, arguments: Sequence[str], seconds: float, stdout: int | IO[str] | None) -> tuple[int, str]:
        command = [str(self.cli.program), *arguments]
        # What we printed so far must stand above what pulumi prints.
        sys.stdout.flush()
        try:
            child = subprocess.Popen(
                command,
                cwd=self.directory,
                env=self.environment.over({**os.environ, **self.variables}),
                # With a terminal on both sides `pulumi` draws its tree; otherwise it writes lines and asks nothing.
                stdin=None if stdout is None and sys.stdin.isatty() else subprocess.DEVNULL,
                stdout=stdout,
                text=True,
            )
        except OSError as error:
            raise SandboxError(f"{command[0]} cannot be run: {error}", mend="run 'make up' again") from error
        with child:
            try:
                printed, _ = child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired as error:
                child.send_signal(signal.SIGINT)
                self._end(child)
                raise SandboxError(
                    f"'pulumi {' '.join(arguments)}' did not end within {seconds:.0f} s and was stopped",
                    mend="see what it waited for above; if the next run names a lock, run 'pulumi cancel'",
                ) from error
            except BaseException:
                # The keyboard's interrupt reached pulumi too: it is stopping already.
                self._end(child)
                raise
        return child.returncode, printed or ""

    def _end(self, child: subprocess.Popen[str]) -> None:
        try:
            child.communicate(timeout=self.cancel_seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            child.kill()
            child.communicate()
