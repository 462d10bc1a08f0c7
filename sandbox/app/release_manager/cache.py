"""The list of releases, kept in Redis. A cache that is out of reach never fails a request."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

# A cache that is only slow is waited for: giving up on it sends all requests to the database at the same moment.
TIMEOUT_SECONDS = 1.0
ENTRY_LIFETIME_SECONDS = 60
PAUSE_AFTER_FAILURE_SECONDS = 1.0
# The number changes with the shape of what is stored: the stable and the canary version share one Redis.
KEY_PREFIX = "release-manager:1"
GENERATION_KEY = f"{KEY_PREFIX}:generation"

log = logging.getLogger(__name__)


class Store(Protocol):
    """What the cache needs of a Redis client."""

    def mget(self, keys: list[str], /) -> list[bytes | None]:
        """Return the value of each key."""

    def set(self, name: str, value: bytes, *, ex: int) -> object:
        """Store a value for `ex` seconds."""

    def incr(self, name: str, /) -> int:
        """Add one to a number."""

    def ping(self) -> object:
        """Answer."""

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True)
class Lookup:
    """What the cache knew: the stored body, or none, and the generation that a new body has to name."""

    body: bytes | None
    generation: bytes


class Cache:
    """Bodies of answers by name, all forgotten at once when anything is written.

    A body carries the generation that was current *before* the database was read. So a body that was read
    just before a write and stored just after it is never served. `monotonic` gives seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        count_failure: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._count_failure = count_failure
        self._monotonic = monotonic
        self._paused_until = float("-inf")

    def look_up(self, name: str) -> Lookup | None:
        """Return what is stored under `name`; None means that the cache cannot be used now."""
        if self._monotonic() < self._paused_until:
            return None
        try:
            generation, entry = self._store.mget([GENERATION_KEY, f"{KEY_PREFIX}:{name}"])
        except RedisError as error:
            self._failed("read", error)
            return None
        current = generation or b"0"
        stored, separator, body = (entry or b"").partition(b"\n")
        return Lookup(body if separator and stored == current else None, current)

    def store(self, name: str, body: bytes, lookup: Lookup) -> None:
        """Store the body that was read from the database after `lookup`."""
        try:
            self._store.set(f"{KEY_PREFIX}:{name}", lookup.generation + b"\n" + body, ex=ENTRY_LIFETIME_SECONDS)
        except RedisError as error:
            self._failed("written", error)

    def forget_all(self) -> None:
        """Make every stored body count as old. When Redis is out of reach, they live out their 60 seconds."""
        try:
            self._store.incr(GENERATION_KEY)
        except RedisError as error:
            self._failed("invalidated", error)

    def check(self) -> None:
        """Ask Redis for an answer; raises RedisError when there is none."""
        self._store.ping()

    def close(self) -> None:
        """Close the connections."""
        self._store.close()

    def _failed(self, action: str, error: RedisError) -> None:
        # While Redis is away each request would wait for its time-out: the pause keeps the API fast.
        self._paused_until = self._monotonic() + PAUSE_AFTER_FAILURE_SECONDS
        self._count_failure()
        log.warning("the cache could not be %s: %s", action, error)


def connect_cache(url: str, *, count_failure: Callable[[], None]) -> Cache:
    """Describe the cache at `url`. Nothing is connected before the first use."""
    client = Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # One more attempt at once: a Redis that restarted leaves dead connections in the pool. Not after a
        # time-out: a Redis that hangs must not cost a request the time twice.
        retry=Retry(NoBackoff(), retries=1, supported_errors=(RedisConnectionError,)),
    )
    return Cache(cast("Store", client), count_failure=count_failure)
