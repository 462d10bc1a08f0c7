"""Commands that verify a release from outside, such as its smoke tests."""

from __future__ import annotations

import io
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from checks.secret_mask import SecretMask
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter

GRACE_SECONDS = 5.0
LOOK_SECONDS = 0.2
LAST_LINES = 40
KEPT_LINES = 500
LONGEST_LINE = 500
# A script that prints faster than its lines are shown waits for them; one that ends no line is cut.
WAITING_LINES = 1000
LONGEST_READ = 100_000


@dataclass(frozen=True)
class Script:
    """A command that must end with status 0. It is run without a shell; `timeout_seconds` bounds it."""

    name: str
    command: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True)
class ScriptRunner:
    """Runs scripts in `directory` with `environment`. What `mask` knows as a secret is neither told nor kept.

    A script has a process group of its own, and whatever of the group is left when the script ends, or when its time
    is up, is ended with it.
    """

    directory: Path
    environment: Mapping[str, str]
    reporter: Reporter
    clock: Clock
    mask: SecretMask

    def run(self, script: Script, variables: Mapping[str, str]) -> Verdict:
        """Run `script` with `variables` beside the environment, and show each line that it prints.

        Only status 0 is PASS. One that cannot be started, or does not end in time, has said nothing: NO_DATA. The
        `output` of the verdict is its last 500 lines.
        """
        shown = self.mask.over(" ".join(script.command))
        try:
            child = subprocess.Popen(
                script.command,
                cwd=self.directory,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            return Verdict(Kind.NO_DATA, f"'{shown}' cannot be run: {error.strerror or error}", query=shown)
        started = self.clock.now()
        try:
            ended, output = self._follow(child, script, started + script.timeout_seconds)
        finally:
            _end_group(child)
        verdict = self._verdict(script, child.returncode if ended else None, shown, output)
        seconds = round(self.clock.now() - started, 3)
        return replace(verdict, numbers={**verdict.numbers, "seconds": seconds}, query=shown, output=output)

    def _verdict(self, script: Script, status: int | None, shown: str, output: tuple[str, ...]) -> Verdict:
        last = output[-LAST_LINES:]
        if status is None:
            reason = f"'{shown}' gave no result within {script.timeout_seconds:g} s and was ended"
            return Verdict(Kind.NO_DATA, reason, details=last)
        if status != 0:
            how = f"status {status}" if status > 0 else f"signal {-status}"
            return Verdict(Kind.FAIL, f"'{shown}' ended with {how}", {"status": status}, details=last)
        return Verdict(Kind.PASS, last[-1] if last else f"'{shown}' ended well", {"status": status})

    def _follow(self, child: subprocess.Popen[str], script: Script, deadline: float) -> tuple[bool, tuple[str, ...]]:
        """Return whether the script ended by itself before `deadline`, and its last lines."""
        lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        given_up = threading.Event()
        reader = threading.Thread(target=_read, args=(child, lines, given_up), daemon=True)
        reader.start()
        try:
            return self._told(child, script, deadline, lines)
        finally:
            given_up.set()

    def _told(
        self, child: subprocess.Popen[str], script: Script, deadline: float, lines: queue.Queue[str | None]
    ) -> tuple[bool, tuple[str, ...]]:
        last: deque[str] = deque(maxlen=KEPT_LINES)
        while self.clock.now() < deadline:
            try:
                line = lines.get(timeout=min(LOOK_SECONDS, max(0.01, deadline - self.clock.now())))
            except queue.Empty:
                # A child that outlives the script may hold its output open for ever.
                if child.poll() is not None:
                    return True, tuple(last)
                continue
            if line is None:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=max(0.01, deadline - self.clock.now()))
                return child.poll() is not None, tuple(last)
            text = self.mask.over(line.rstrip())[:LONGEST_LINE]
            last.append(text)
            self.reporter.live(f"{script.name}: {text}")
        return False, tuple(last)


def without_engine(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` without what the engine tells its program, the decrypted configuration above all."""
    return {name: value for name, value in environment.items() if not name.startswith("PULUMI_")}


def _read(child: subprocess.Popen[str], lines: queue.Queue[str | None], given_up: threading.Event) -> None:
    stream = child.stdout or io.StringIO()
    with stream, suppress(ValueError, OSError):
        inside = False
        while line := stream.readline(LONGEST_READ):
            # What follows the first part of an endless line is dropped up to its end.
            if not inside:
                _put(lines, line, given_up)
            inside = not line.endswith("\n")
    _put(lines, None, given_up)


def _put(lines: queue.Queue[str | None], line: str | None, given_up: threading.Event) -> None:
    while not given_up.is_set():
        with suppress(queue.Full):
            lines.put(line, timeout=LOOK_SECONDS)
            return


def _end_group(child: subprocess.Popen[str]) -> None:
    """End what is left of the script's process group: first with a word, then without."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=GRACE_SECONDS)
