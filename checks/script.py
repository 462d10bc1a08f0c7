"""Commands that verify a release from outside, such as its smoke tests."""

from __future__ import annotations

import io
import os
import queue
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter

GRACE_SECONDS = 5.0
LOOK_SECONDS = 0.2
LAST_LINES = 40
LONGEST_LINE = 500
MASK = "***"
SHORTEST_SECRET = 4
SECRET_NAME = re.compile(r"password|passwd|passphrase|token|secret|credential|_key$", re.IGNORECASE)
SECRET_IN_ADDRESS = re.compile(r"(://[^/:@\s]*:)[^/@\s]+@")


@dataclass(frozen=True)
class Script:
    """A command that must end with status 0. It is run without a shell; `timeout_seconds` bounds it."""

    name: str
    command: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True)
class ScriptRunner:
    """Runs scripts in `directory` with `environment`, of which no secret reaches what is told.

    A script has a process group of its own, and whatever of the group is left when the script ends, or when its time
    is up, is ended with it.
    """

    directory: Path
    environment: Mapping[str, str]
    reporter: Reporter
    clock: Clock

    def run(self, script: Script, variables: Mapping[str, str]) -> Verdict:
        """Run `script` with `variables` beside the environment, and show each line that it prints.

        Only status 0 is PASS. One that cannot be started, or does not end in time, has said nothing: NO_DATA.
        """
        shown = " ".join(script.command)
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
            ended, last = self._follow(child, script, started + script.timeout_seconds)
        finally:
            _end_group(child)
        seconds = self.clock.now() - started
        if not ended:
            reason = f"'{shown}' gave no result within {script.timeout_seconds:.0f} s and was ended"
            return Verdict(Kind.NO_DATA, reason, {"seconds": seconds}, shown, last)
        if child.returncode != 0:
            how = f"status {child.returncode}" if child.returncode > 0 else f"signal {-child.returncode}"
            return Verdict(Kind.FAIL, f"'{shown}' ended with {how}", {"seconds": seconds}, shown, last)
        return Verdict(Kind.PASS, last[-1] if last else f"'{shown}' ended well", {"seconds": seconds}, shown)

    def _follow(self, child: subprocess.Popen[str], script: Script, deadline: float) -> tuple[bool, tuple[str, ...]]:
        """Return whether the script ended by itself before `deadline`, and its last lines."""
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(child, lines), daemon=True)
        reader.start()
        mask = self._mask()
        last: deque[str] = deque(maxlen=LAST_LINES)
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
            text = mask(line.rstrip())[:LONGEST_LINE]
            last.append(text)
            self.reporter.live(f"{script.name}: {text}")
        return False, tuple(last)

    def _mask(self) -> Callable[[str], str]:
        secrets = {
            value
            for name, value in self.environment.items()
            if SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET
        }
        # The longest first: a secret may begin with another.
        found = re.compile("|".join(re.escape(value) for value in sorted(secrets, key=len, reverse=True)) or r"(?!)")
        return lambda text: SECRET_IN_ADDRESS.sub(rf"\g<1>{MASK}@", found.sub(MASK, text))


def without_engine(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` without what the engine tells its program, the decrypted configuration above all."""
    return {name: value for name, value in environment.items() if not name.startswith("PULUMI_")}


def _read(child: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    stream = child.stdout or io.StringIO()
    with stream, suppress(ValueError, OSError):
        for line in stream:
            lines.put(line)
    lines.put(None)


def _end_group(child: subprocess.Popen[str]) -> None:
    """End what is left of the script's process group: first with a word, then without."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=GRACE_SECONDS)
