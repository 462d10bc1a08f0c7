"""Faults that tests switch on by environment; with none set, none of this does anything.

FAULT_ERROR_RATE              share (0 to 1) of API requests that are answered 500
FAULT_LATENCY_SECONDS         seconds that are added to API requests
FAULT_LATENCY_RATE            share (0 to 1) of API requests that get them (1 when unset)
FAULT_SWITCH                  a file: errors and latency begin once it is there (at once when unset)
FAULT_CRASH_AFTER_SECONDS     the process ends with code 1 so many seconds after its start; 0 is at start
FAULT_READY_AFTER_SECONDS     the process says that it is starting for so many seconds longer
FAULT_MEMORY_BYTES_PER_SECOND bytes that the process leaks each second
FAULT_DEPENDENCY              the dependency whose check in /health answers "failing by fault"
FAULT_HEALTH_VERSION          the version that /health names instead of its own
FAULT_MIGRATION               the text with which `alembic upgrade` fails
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from release_manager.settings import read_choice, read_number

DEPENDENCIES = ("database", "cache", "message_queue")
CRASH_EXIT_CODE = 1
LONGEST_SECONDS = 86_400.0
LARGEST_LEAK_BYTES = 10**12
LEAK_PERIOD_SECONDS = 0.1

log = logging.getLogger(__name__)


class InjectedError(Exception):
    """The error that FAULT_ERROR_RATE makes a request fail with."""


@dataclass(frozen=True)
class Faults:
    """The faults that are switched on; the defaults are none. `draw` gives random numbers from 0 up to 1."""

    error_rate: float = 0.0
    latency_seconds: float = 0.0
    latency_rate: float = 1.0
    crash_after_seconds: float | None = None
    ready_after_seconds: float = 0.0
    memory_bytes_per_second: float = 0.0
    dependency: str = ""
    health_version: str = ""
    switch: str = ""
    draw: Callable[[], float] = field(default=random.random, compare=False, repr=False)

    def fails(self) -> bool:
        """Say whether this request is to be answered with an error."""
        return self.error_rate > 0 and self.draw() < self.error_rate and self._switched_on()

    def delay_seconds(self) -> float:
        """Return the seconds that this request is to be held back."""
        if self.latency_seconds > 0 and self.draw() < self.latency_rate and self._switched_on():
            return self.latency_seconds
        return 0.0

    def _switched_on(self) -> bool:
        return not self.switch or Path(self.switch).exists()


def read_faults(environment: Mapping[str, str]) -> Faults:
    """Read the faults of the API server. Raises SettingsError for a value that is not allowed."""

    def number(name: str, default: float, highest: float) -> float:
        return read_number(environment, name, default=default, lowest=0.0, highest=highest)

    crash_after_seconds = number("FAULT_CRASH_AFTER_SECONDS", -1.0, LONGEST_SECONDS)
    return Faults(
        error_rate=number("FAULT_ERROR_RATE", 0.0, 1.0),
        latency_seconds=number("FAULT_LATENCY_SECONDS", 0.0, LONGEST_SECONDS),
        latency_rate=number("FAULT_LATENCY_RATE", 1.0, 1.0),
        crash_after_seconds=None if crash_after_seconds < 0 else crash_after_seconds,
        ready_after_seconds=number("FAULT_READY_AFTER_SECONDS", 0.0, LONGEST_SECONDS),
        memory_bytes_per_second=number("FAULT_MEMORY_BYTES_PER_SECOND", 0.0, LARGEST_LEAK_BYTES),
        dependency=read_choice(environment, "FAULT_DEPENDENCY", DEPENDENCIES, default=""),
        health_version=environment.get("FAULT_HEALTH_VERSION", "").strip(),
        switch=environment.get("FAULT_SWITCH", "").strip(),
    )


def read_migration_fault(environment: Mapping[str, str]) -> str:
    """Return the text with which a migration is to fail; empty when it is to succeed."""
    return environment.get("FAULT_MIGRATION", "").strip()


def start_faults(faults: Faults) -> None:
    """Start the faults that run beside the requests: the crash and the leak."""
    if faults != Faults():
        log.warning("faults are switched on: %s", faults)
    if faults.crash_after_seconds is not None:
        if faults.crash_after_seconds == 0:
            _crash()
        timer = threading.Timer(faults.crash_after_seconds, _crash)
        timer.daemon = True
        timer.start()
    if faults.memory_bytes_per_second > 0:
        threading.Thread(target=_leak, args=(faults.memory_bytes_per_second,), name="fault-leak", daemon=True).start()


def _crash() -> None:
    log.error("crashing by FAULT_CRASH_AFTER_SECONDS with exit code %d", CRASH_EXIT_CODE)
    logging.shutdown()
    # sys.exit in a thread ends only that thread, and a crash runs no clean-up.
    os._exit(CRASH_EXIT_CODE)


def _leak(bytes_per_second: float) -> None:
    kept: list[bytes] = []
    started = time.monotonic()
    leaked = 0
    while True:
        due = int((time.monotonic() - started) * bytes_per_second) - leaked
        # Written bytes: untouched zero pages would not count as memory in use.
        kept.append(b"\x01" * due)
        leaked += due
        time.sleep(LEAK_PERIOD_SECONDS)
