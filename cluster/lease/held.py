"""A release that this run holds: it shows signs of life, and knows when it no longer may act."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from checks.reader import Unreachable
from checks.waiting import Clock
from cluster.errors import ClusterError, GateFailed
from cluster.lease.lease import Lease, LeaseDamaged, LeaseState

# A change is under way for a while after it was allowed: it must arrive before another run may begin.
MARGIN_SECONDS = 5.0
# A sign of life that is younger allows a change without a new one.
FRESH_SECONDS = 1.0
ATTEMPTS = 2
ENGINE_GONE = "the engine that this program works for is gone"


class LeaseLost(GateFailed):
    """This run may not touch the cluster any more, not even to go back."""


class HeldLease:
    """The Lease while this run holds it. Safe to use from several threads; each call waits a few requests at most.

    `renewed_at` is a moment before the Lease was taken, in seconds of `clock`. A change that was allowed and is then
    held up on its way for longer than the margin is the one thing that this cannot prevent.
    """

    def __init__(
        self,
        lease: Lease,
        state: LeaseState,
        renewed_at: float,
        *,
        alive: Callable[[], bool],
        clock: Clock,
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._lease = lease
        self._state = state
        self._renewed_at = renewed_at
        self._alive = alive
        self._clock = clock
        self._wall_clock = wall_clock
        self._lost = ""
        self._lock = threading.Lock()

    @property
    def token(self) -> int:
        """Return the fencing token: higher than that of everybody who held the release before."""
        return self._state.term.token

    def renew(self) -> None:
        """Give a sign of life. Raises LeaseLost for good, and ClusterError or Unreachable where it may be tried again.

        After a silence of any length the same hold goes on, if nobody else has had the release meanwhile.
        """
        with self._lock:
            self._renew()

    def check(self) -> None:
        """Return if this run may change the cluster now.

        Raises LeaseLost where the release is another's or the engine is gone, and Unreachable where the cluster has
        been silent for so long that this cannot be known.
        """
        with self._lock:
            self._must_be_alive()
            if self._clock.now() - self._renewed_at <= FRESH_SECONDS:
                return
            try:
                self._renew()
            except (ClusterError, Unreachable) as error:
                silent = self._clock.now() - self._renewed_at
                if silent >= self._state.term.duration_seconds - MARGIN_SECONDS:
                    raise Unreachable(
                        f"it cannot be known whether this run still holds {self._release}: the last sign of life was"
                        f" given {silent:.0f} s ago, and now: {error}"
                    ) from error

    def give_back(self, *, timeout_seconds: float) -> None:
        """Leave the release to whoever comes next. Where that cannot be said to the cluster, it ends by itself."""
        if not self._lock.acquire(timeout=timeout_seconds):
            return
        try:
            if not self._lost:
                self._lost = f"{self._release} was given back by this run already"
                self._lease.give_back(self._state, self._wall_clock())
        except (ClusterError, Unreachable):
            return
        finally:
            self._lock.release()

    @property
    def _release(self) -> str:
        return f"the release of {self._lease.deployment} in {self._lease.namespace}"

    def _renew(self) -> None:
        self._must_be_alive()
        for _ in range(ATTEMPTS):
            asked_at = self._clock.now()
            written = self._lease.renew(self._state, self._wall_clock())
            if written is not None:
                self._state, self._renewed_at = written, asked_at
                return
            self._state = self._still_ours()
        raise ClusterError(f"Lease {self._lease.deployment} was changed by somebody else {ATTEMPTS} times in a row")

    def _still_ours(self) -> LeaseState:
        """Return the Lease as it stands: a write of ours whose answer was lost, or somebody's label, changes it too."""
        try:
            found = self._lease.read()
        except LeaseDamaged as error:
            self._lose(str(error))
        ours = self._state.term
        if found.version is None:
            self._lose("its Lease was deleted")
        if (found.term.holder, found.term.token) != (ours.holder, ours.token):
            holder = f"it is held by {found.term.named_holder}" if found.term.holder else "another run had it meanwhile"
            self._lose(f"{holder} (token {found.term.token}; ours was {ours.token})")
        return found

    def _must_be_alive(self) -> None:
        if self._lost:
            raise LeaseLost(self._lost)
        if not self._alive():
            self._lose(ENGINE_GONE)

    def _lose(self, why: str) -> NoReturn:
        self._lost = (
            f"this run no longer holds {self._release}: {why}. This run has stopped where it was and touches the"
            " cluster no more, not even to go back. When no other run is at work, run the same command again: it goes"
            " on from what it finds"
        )
        raise LeaseLost(self._lost)
