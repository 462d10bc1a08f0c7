"""Runs `pulumi` in bounded time, and tells it to stop in order where that is over."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from commands.delivery.errors import DeliveryError

PREVIEW_SECONDS = 15 * 60.0
UPDATE_SECONDS = 90 * 60.0
SHORT_SECONDS = 120.0
# How long a run that was told to stop may take to end its steps and to write the state.
CANCEL_SECONDS = 60.0
LINES_KEPT = 2000


@dataclass(frozen=True)
class Ran:
    """How a run ended. `lines` are the last that it printed; empty where they went into a file."""

    status: int
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """Runs `program` for one stack in `directory`."""

    stack: str
    directory: Path = Path()
    program: str = "pulumi"
    tell: Callable[[str], None] = print
    cancel_seconds: float = CANCEL_SECONDS

    def into(self, file: Path, *arguments: str, seconds: float, variables: Mapping[str, str] | None = None) -> Ran:
        """Run it, all that it prints going into `file`. Raises DeliveryError where it cannot run or takes too long."""
        with file.open("wb") as output:
            child = self._start(arguments, output.fileno(), variables)
            status, late = self._wait(child, seconds)
        self._not_late(arguments, seconds, late=late)
        return Ran(status)

    def run(self, *arguments: str, seconds: float) -> Ran:
        """Run it, telling each line as it comes, and return the last of them. Raises DeliveryError."""
        child = self._start(arguments, subprocess.PIPE, None)
        kept: deque[str] = deque(maxlen=LINES_KEPT)

        def read() -> None:
            for line in child.stdout or ():
                text = line.decode(errors="replace").rstrip("\n")
                kept.append(text)
                self.tell(text)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        status, late = self._wait(child, seconds)
        # A process that outlives its parent may hold the pipe open; what it says is no longer waited for.
        reader.join(1.0)
        self._not_late(arguments, seconds, late=late)
        return Ran(status, tuple(kept))

    def output(self, *arguments: str) -> str:
        """Run it and return all that it printed but its warnings. Raises DeliveryError if it fails."""
        with TemporaryFile() as output, TemporaryFile() as errors:
            child = self._start(arguments, output.fileno(), None, errors.fileno())
            status, late = self._wait(child, SHORT_SECONDS)
            self._not_late(arguments, SHORT_SECONDS, late=late)
            if status != 0:
                lines = [line.strip() for line in (_text(output) + _text(errors)).splitlines() if line.strip()]
                raise DeliveryError(
                    f"'{self.program} {' '.join(arguments)}' failed: {'; '.join(lines[-3:]) or f'status {status}'}",
                    mend="see that the backend and its secrets are reached (docs/backends.md)",
                )
            return _text(output)

    def _start(
        self,
        arguments: Sequence[str],
        output: int,
        variables: Mapping[str, str] | None,
        errors: int = subprocess.STDOUT,
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [self.program, *arguments],
                cwd=self.directory,
                env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        except OSError as error:
            raise DeliveryError(
                f"'{self.program}' cannot be run ({error.strerror})",
                mend="install the Pulumi command line, or leave WORLD=own away to use that of the sandbox",
            ) from error

    def _wait(self, child: subprocess.Popen[bytes], seconds: float) -> tuple[int, bool]:
        """Return the status, and whether it was stopped for being late."""
        try:
            return child.wait(seconds), False
        except subprocess.TimeoutExpired:
            self._stop(child)
            return child.returncode, True
        except BaseException:
            self._stop(child)
            raise

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        # One interrupt lets the engine end its steps; a second one would make it drop them.
        child.send_signal(signal.SIGINT)
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            child.wait(self.cancel_seconds)
        if child.poll() is None:
            child.kill()
            child.wait()

    def _not_late(self, arguments: Sequence[str], seconds: float, *, late: bool) -> None:
        if late:
            raise DeliveryError(
                f"'{self.program} {' '.join(arguments)}' did not end within {seconds / 60:.0f} min and was stopped",
                mend=f"see what it waited for; if the next run names a lock: pulumi cancel --stack {self.stack}",
            )


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
