"""One hold on a release for the whole life of this process, whoever of its gates asks first."""

from __future__ import annotations

import atexit
import getpass
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from checks.reader import Unreachable
from checks.waiting import Clock, Reporter
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.lease.held import HeldLease, LeaseLost
from cluster.lease.lease import DURATION_SECONDS, Lease
from cluster.lease.taking import LeaseTaking

SIGNS_PER_DURATION = 3
# After a sign of life that could not be given the next one is tried sooner.
AGAIN_SECONDS = 1.0
RELEASE_SECONDS = 3.0


def since_boot() -> float:
    """Return seconds that pass while the machine is suspended too: the cluster's time does not stop with ours."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def identity(purpose: str, now: datetime) -> str:
    """Return who holds a release, where, and for what, so that a person can find the run."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    started = now.astimezone(UTC)
    return f"{user}@{socket.gethostname()} pid {os.getpid()} ({purpose}, started {started:%H:%M:%SZ})"


@dataclass
class Holding:
    """Takes the release when it is first asked to, and holds it until the process ends.

    `purpose` is what other runs are told, such as "pulumi up of prod". `alive` says whether what this process works
    for is still there; without it the hold is over. Safe to use from several threads.
    """

    purpose: str
    alive: Callable[[], bool] = lambda: True
    duration_seconds: int = DURATION_SECONDS
    clock: Clock = field(default_factory=lambda: Clock(now=since_boot))
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _held: HeldLease | None = field(default=None, init=False)
    _taking: threading.Lock = field(default_factory=threading.Lock, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)

    @property
    def token(self) -> int | None:
        """Return the fencing token, or None before the release was taken."""
        return None if self._held is None else self._held.token

    def take(self, cluster: Cluster, deployment: str, reporter: Reporter) -> Cluster:
        """Return `cluster` as one whose every change is made only while this process holds the release.

        The first call takes the release of `deployment`, which may wait for one duration where a run that is gone had
        it; later ones return at once. Raises GateFailed (ReleaseHeld, LeaseLost), ClusterError or Unreachable.
        """
        with self._taking:
            if self._held is None:
                self._held = self._take(Lease(cluster, deployment), reporter)
        self._held.check()
        return cluster.guarded_by(self._held.check)

    def release(self) -> None:
        """Give the release back, within seconds; nothing is changed by this process from then on. May be repeated."""
        self._ended.set()
        atexit.unregister(self.release)
        if self._held is not None:
            self._held.give_back(timeout_seconds=RELEASE_SECONDS)

    def _take(self, lease: Lease, reporter: Reporter) -> HeldLease:
        now = self.wall_clock()
        taking = LeaseTaking(
            lease=lease,
            holder=identity(self.purpose, now),
            duration_seconds=self.duration_seconds,
            alive=self.alive,
            reporter=reporter,
            clock=self.clock,
            wall_clock=self.wall_clock,
        )
        state, taken_at = taking.run()
        held = HeldLease(lease, state, taken_at, alive=self.alive, clock=self.clock, wall_clock=self.wall_clock)
        atexit.register(self.release)
        threading.Thread(target=self._tend, args=(held,), name="release-hold", daemon=True).start()
        return held

    def _tend(self, held: HeldLease) -> None:
        pause = self.duration_seconds / SIGNS_PER_DURATION
        while not self._ended.wait(pause):
            try:
                held.renew()
                pause = self.duration_seconds / SIGNS_PER_DURATION
            except LeaseLost:
                return
            except (ClusterError, Unreachable):
                pause = min(AGAIN_SECONDS, self.duration_seconds / SIGNS_PER_DURATION)
