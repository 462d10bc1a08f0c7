"""The wait itself: ask again and again until an object is ready, has failed, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot
from sandbox.plugins.kubernetes.client import Cluster
from sandbox.plugins.kubernetes.errors import (
    ApiError,
    CancelledError,
    InitializationError,
    NoMatchError,
    ProviderError,
    UnreachableError,
    WaitTimeoutError,
)
from sandbox.plugins.kubernetes.objects import Kind, Object, dig, kind_of, name_of, namespace_of
from sandbox.plugins.protocol.engine_log import Log

FAST_SECONDS = 0.25
SLOW_SECONDS = 1.0
# Most objects are ready soon or late: look often at first only.
FAST_PHASE_SECONDS = 10.0


@dataclass
class Waiter:
    """Waits for objects of one cluster.

    `pause` sleeps for a number of seconds and answers whether the user has cancelled meanwhile.
    """

    cluster: Cluster
    log: Log
    pause: Callable[[float], bool]
    clock: Callable[[], float] = time.monotonic

    def until_ready(self, awaiter: Awaiter, item: Object, *, urn: str, timeout_seconds: float | None) -> None:
        """Wait until an object is ready.

        Raises InitializationError when it can never be, WaitTimeoutError after the time-out, CancelledError.
        """
        started = self.clock()
        deadline = started + (awaiter.timeout_seconds if timeout_seconds is None else timeout_seconds)
        shown: set[str] = set()
        key: Hashable = None
        changed = started
        assessment = Assessment(ready=False)
        while True:
            now = self.clock()
            try:
                snapshot = self._snapshot(awaiter, item)
                if awaiter.settling is not None and awaiter.settling(snapshot) != key:
                    key, changed = awaiter.settling(snapshot), now
                settled = now - changed >= awaiter.settling_seconds
                snapshot = Snapshot(snapshot.item, snapshot.related, settled)
                item, assessment = snapshot.item, awaiter.assess(snapshot)
            except UnreachableError as error:
                # The API server may be away for a moment; the deadline still holds.
                assessment = Assessment(ready=False, reasons=(str(error),))
            self._show(urn, assessment, shown)
            if assessment.ready:
                self.log.status(urn, "")
                return
            if assessment.failed:
                raise InitializationError(item, assessment.reasons)
            if now >= deadline:
                raise WaitTimeoutError(item, assessment.reasons)
            if self.pause(min(_interval(now - started), max(deadline - now, 0.0))):
                raise CancelledError(item, assessment.reasons)

    def check_now(self, awaiter: Awaiter, item: Object) -> None:
        """Raise InitializationError unless an object is ready at this moment."""
        assessment = awaiter.assess(self._snapshot(awaiter, item))
        if not assessment.ready:
            raise InitializationError(item, assessment.reasons)

    def until_gone(self, item: Object, *, urn: str, timeout_seconds: float) -> None:
        """Wait until an object is gone; raises WaitTimeoutError (naming its finalizers) or CancelledError.

        An object of the same name with another uid is another object: the awaited one is gone.
        """
        started = self.clock()
        uid = dig(item, "metadata", "uid")
        while True:
            now = self.clock()
            try:
                live = self.cluster.get(kind_of(item), namespace_of(item), name_of(item))
            except NoMatchError:
                return
            except ApiError as error:
                if error.not_found:
                    return
                raise
            if uid is not None and dig(live, "metadata", "uid") != uid:
                return
            item = live
            self.log.status(urn, f'{kind_of(live).name} "{name_of(live)}" still exists')
            if now >= started + timeout_seconds:
                finalizers = ", ".join(dig(live, "metadata", "finalizers") or [])
                raise WaitTimeoutError(live, (f"finalizers might be preventing deletion ({finalizers})",))
            if self.pause(_interval(now - started)):
                raise CancelledError(live)

    def _snapshot(self, awaiter: Awaiter, item: Object) -> Snapshot:
        namespace = namespace_of(item)
        live = self.cluster.get(kind_of(item), namespace, name_of(item))
        return Snapshot(live, {kind.name: self._list(kind, namespace) for kind in awaiter.related})

    def _list(self, kind: Kind, namespace: str) -> list[Object]:
        try:
            return self.cluster.list_all(kind, namespace)
        except UnreachableError:
            raise
        except ProviderError:
            # Without the right to list, an object's own status must do.
            return []

    def _show(self, urn: str, assessment: Assessment, shown: set[str]) -> None:
        for message, warning in [(assessment.status, False), *((text, True) for text in assessment.warnings)]:
            if message and message not in shown:
                shown.add(message)
                self.log.status(urn, message, warning=warning)


def _interval(elapsed: float) -> float:
    return FAST_SECONDS if elapsed < FAST_PHASE_SECONDS else SLOW_SECONDS
