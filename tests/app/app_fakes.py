"""Stand-ins for Redis and RabbitMQ, in memory, that can be made to fail."""

import threading

from redis.exceptions import ConnectionError as RedisConnectionError
from release_manager.message_queue import BrokerError


class FakeStore:
    """What the cache needs of Redis."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.away = False
        self.reads = 0

    def mget(self, keys: list[str], /) -> list[bytes | None]:
        self._answer()
        self.reads += 1
        return [self.values.get(key) for key in keys]

    def set(self, name: str, value: bytes, *, ex: int) -> object:
        self._answer()
        assert ex > 0
        self.values[name] = value
        return True

    def incr(self, name: str, /) -> int:
        self._answer()
        number = int(self.values.get(name, b"0")) + 1
        self.values[name] = str(number).encode()
        return number

    def ping(self) -> object:
        self._answer()
        return True

    def close(self) -> None:
        self.values.clear()

    def _answer(self) -> None:
        if self.away:
            raise RedisConnectionError("Connection refused.")


class FakeBroker:
    """What the publisher needs of RabbitMQ. `arrived` is set with each event that is published."""

    def __init__(self) -> None:
        self.events: list[tuple[str, bytes]] = []
        self.arrived = threading.Event()
        self.away = False
        self.attempts = 0
        self.closed = False

    def publish(self, kind: str, body: bytes) -> None:
        self.attempts += 1
        self._answer()
        self.events.append((kind, body))
        self.arrived.set()

    def check(self) -> None:
        self._answer()

    def keep_alive(self) -> None:
        self._answer()

    def close(self) -> None:
        self.closed = True

    def _answer(self) -> None:
        if self.away:
            raise BrokerError("connection refused")
