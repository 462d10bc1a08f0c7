"""Events for other services, published from a thread of its own so that no request waits for the broker.

Events that cannot be published yet wait in memory, at most `CAPACITY` of them; what does not fit is dropped
with a warning. The table `release_events` stays the truth: the queue only tells of it.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from queue import Empty, Full, Queue
from typing import Protocol

from release_manager.json_logs import utc_timestamp

CAPACITY = 1000
KEEP_ALIVE_SECONDS = 1.0
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 2.0
CHECK_SECONDS = 1.0

log = logging.getLogger(__name__)


class BrokerError(Exception):
    """The broker could not be reached or refused; the text is a short reason."""


class Broker(Protocol):
    """A connection to the broker, used by one thread; each method connects where it must."""

    def publish(self, kind: str, body: bytes) -> None:
        """Publish one event and wait for its receipt. Raises BrokerError."""

    def check(self) -> None:
        """Make the broker answer. Raises BrokerError."""

    def keep_alive(self) -> None:
        """Answer the broker's heartbeats. Raises BrokerError."""

    def close(self) -> None:
        """Close the connection; never raises."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a release."""

    kind: str
    release_id: int
    version: str
    actor: str | None
    happened_at: datetime

    def body(self) -> bytes:
        """Return the event as JSON."""
        return json.dumps(
            {
                "event": self.kind,
                "release_id": self.release_id,
                "version": self.version,
                "actor": self.actor,
                "timestamp": utc_timestamp(self.happened_at.astimezone(UTC)),
            }
        ).encode()


class Publisher:
    """Publishes events in their order and survives a broker that goes away and comes back.

    `count_failure` is called once for each event that is dropped and each time that the broker is lost.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        count_failure: Callable[[], None],
        capacity: int = CAPACITY,
        retry_seconds: float = RETRY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._count_failure = count_failure
        self._capacity = capacity
        self._retry_seconds = retry_seconds
        self._monotonic = monotonic
        self._inbox: Queue[Event | Future[None] | None] = Queue(maxsize=capacity)
        self._unsent: deque[Event] = deque()
        self._lost = False
        self._stopping = threading.Event()
        self._retry_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="message-queue", daemon=True)

    def start(self) -> None:
        """Start to publish."""
        self._thread.start()

    def publish(self, event: Event) -> None:
        """Hand over an event; returns at once."""
        try:
            self._inbox.put_nowait(event)
        except Full:
            self._drop(event)

    def check(self) -> None:
        """Make the broker answer within a second; raises BrokerError or TimeoutError."""
        answer: Future[None] = Future()
        try:
            self._inbox.put_nowait(answer)
        except Full:
            raise BrokerError("too many events wait to be published") from None
        answer.result(timeout=CHECK_SECONDS)

    def close(self) -> None:
        """Publish what waits, for 2 seconds at most, and close the connection."""
        self._stopping.set()
        try:
            self._inbox.put_nowait(None)
        except Full:
            log.warning("the message queue is closed while its inbox is full")
        self._thread.join(timeout=CLOSE_SECONDS)
        if self._thread.is_alive():
            log.warning("the message queue did not close within %.0f s", CLOSE_SECONDS)

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._inbox.empty()):
            self._step()
        for event in self._unsent:
            self._drop(event)
        self._broker.close()

    def _step(self) -> None:
        wait_seconds = min(KEEP_ALIVE_SECONDS, self._retry_seconds) if self._unsent else KEEP_ALIVE_SECONDS
        try:
            item = self._inbox.get(timeout=wait_seconds)
        except Empty:
            self._attempt(self._broker.keep_alive)
        else:
            self._take(item)
        while self._unsent and self._monotonic() >= self._retry_at:
            event = self._unsent[0]
            if not self._attempt(partial(self._broker.publish, event.kind, event.body())):
                self._retry_at = self._monotonic() + self._retry_seconds
                break
            self._unsent.popleft()

    def _take(self, item: Event | Future[None] | None) -> None:
        if isinstance(item, Future):
            error = self._attempt_for_error(self._broker.check)
            if error is None:
                item.set_result(None)
            else:
                item.set_exception(error)
        elif item is not None and len(self._unsent) < self._capacity:
            self._unsent.append(item)
        elif item is not None:
            self._drop(item)

    def _attempt(self, action: Callable[[], None]) -> bool:
        return self._attempt_for_error(action) is None

    def _attempt_for_error(self, action: Callable[[], None]) -> BrokerError | None:
        try:
            action()
        except BrokerError as error:
            if not self._lost:
                self._lost = True
                self._count_failure()
                log.warning("the message queue is out of reach, %d events wait: %s", len(self._unsent), error)
            return error
        if self._lost:
            self._lost = False
            log.info("the message queue is back")
        return None

    def _drop(self, event: Event) -> None:
        self._count_failure()
        log.warning("event %s of release %d was not published", event.kind, event.release_id)
