"""A constant load in the background: as many requests a second as asked for, however slowly they are answered."""

from __future__ import annotations

import math
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sandbox.errors import SandboxError
from sandbox.load.answer import Answer, parse
from sandbox.load.target import Target

# From the end of the last request to the end of the processes.
END_SECONDS = 5.0
MOST_REQUESTS = 1_000_000
LINES_IN_AN_ERROR = 3


class Load:
    """`rate` requests a second on `target` for at most `seconds`, by vegeta, each with its own outcome.

    The load is open: a request is sent when it is due, whether or not those before it were answered, so that an
    answer that takes long hides no others. With `new_connections` each request opens one; otherwise they are kept.
    Used as a context manager; it is stopped at the end of the body.
    """

    def __init__(
        self,
        vegeta: Path,
        target: Target,
        *,
        rate: int,
        seconds: float,
        timeout_seconds: float = 5.0,
        new_connections: bool = False,
    ) -> None:
        if not 1 <= rate * seconds <= MOST_REQUESTS:
            raise SandboxError(
                f"{rate} requests a second for {seconds:g} s are {rate * seconds:g}",
                mend=f"ask for 1 to {MOST_REQUESTS} requests in all",
            )
        self._program = vegeta
        self._target = target
        self._seconds = seconds
        self._timeout_seconds = timeout_seconds
        # Each request that is under way needs one; those that were sent too late would be no constant load.
        workers = math.ceil(rate * timeout_seconds * 1.5) + 10
        self._options = [
            f"-rate={rate}/1s",
            f"-duration={math.ceil(seconds * 1000)}ms",
            f"-timeout={math.ceil(timeout_seconds * 1000)}ms",
            f"-max-workers={workers}",
            f"-keepalive={str(not new_connections).lower()}",
            "-http2=false",
            "-redirects=-1",
            "-max-body=0",
        ]
        self._lines: list[bytes] = []
        self._parsed: list[Answer] = []
        self._children: list[subprocess.Popen[bytes]] = []
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._reader: threading.Thread | None = None

    @property
    def count(self) -> int:
        """How many requests have their outcome so far."""
        return len(self._lines)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Send the first request. Raises SandboxError where vegeta cannot be run."""
        attack = [str(self._program), "attack", *self._options, *self._target.arguments]
        first = self._popen(attack, subprocess.PIPE)
        second = self._popen([str(self._program), "encode", "-to=json"], first.stdout)
        if first.stdin is None or first.stdout is None or second.stdout is None:
            raise AssertionError("pipes were asked for")
        # Ours would keep the pipe open after the second has gone.
        first.stdout.close()
        with first.stdin:
            first.stdin.write(f"GET {self._target.url}\n".encode())
        self._reader = threading.Thread(target=self._read, args=(second.stdout,), name="load", daemon=True)
        self._reader.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all was sent and answered, at most `seconds`; return whether it is so."""
        if self._reader is None:
            return True
        self._reader.join(self._seconds + self._timeout_seconds + END_SECONDS if seconds is None else seconds)
        return not self._reader.is_alive()

    def stop(self) -> None:
        """Send no more, wait for what is under way, and end. Safe to repeat.

        Raises SandboxError, with its last words, where vegeta failed by itself.
        """
        if self._reader is None:
            return
        attack = self._children[0]
        if attack.poll() is None:
            attack.terminate()
        self.wait(self._timeout_seconds + END_SECONDS)
        for child in self._children:
            try:
                child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._reader.join(END_SECONDS)
        self._reader = None
        with self._errors:
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace").strip().splitlines()
        statuses = [child.returncode for child in self._children]
        if any(statuses):
            last = "; ".join(words[-LINES_IN_AN_ERROR:]) or "it said nothing"
            raise SandboxError(
                f"the load did not end in order (status {statuses[0]} and {statuses[1]}): {last}",
                mend="see that the stack is up (make up), then run it again",
            )

    def results(self) -> list[Answer]:
        """Return what became of the requests so far, in the order in which their outcomes were known."""
        new = self._lines[len(self._parsed) :]
        # The last line of a process that was killed may be half a line.
        self._parsed += [parse(line) for line in new if line.endswith(b"\n")]
        return list(self._parsed)

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._lines.append(line)

    def _popen(self, command: list[str], stdin: IO[bytes] | int | None) -> subprocess.Popen[bytes]:
        try:
            child = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                # An interrupt from the keyboard is for us, who then stop it in order.
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(
                f"{command[0]} cannot be run: {error.strerror}", mend="run the same command again; it builds vegeta"
            ) from error
        self._children.append(child)
        return child
