"""What became of one request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

VERSION_HEADER = "X-Release-Version"
# How the client of the load says that time ran out, in the request or in the connection before it.
_TIMED_OUT = ("Client.Timeout", "deadline exceeded", "i/o timeout", "TLS handshake timeout")


class Failure(StrEnum):
    """In which way a request failed."""

    SERVER_ERROR = "5xx"
    OTHER_STATUS = "other status"
    CONNECTION = "connection error"
    TIME_OUT = "time-out"
    SLOW = "slow"


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent (seconds since 1970), how long it took, and what came back.

    `status` is 0 and `version` empty where nothing came back; `version` is also empty where the ingress answered by
    itself.
    """

    sent_at: float
    latency_seconds: float
    status: int
    error: str
    version: str

    @property
    def answered_at(self) -> float:
        """When its outcome was known, in seconds since 1970."""
        return self.sent_at + self.latency_seconds

    def failure(self, slow_seconds: float | None = None) -> Failure | None:
        """Return how it failed, or None. What took longer than `slow_seconds`, where given, is a failure too."""
        if self.status == 0:
            timed_out = any(words in self.error for words in _TIMED_OUT)
            return Failure.TIME_OUT if timed_out else Failure.CONNECTION
        if self.status >= 500:
            return Failure.SERVER_ERROR
        if self.status != 200 or self.error:
            return Failure.OTHER_STATUS
        slow = slow_seconds is not None and self.latency_seconds > slow_seconds
        return Failure.SLOW if slow else None


def parse(line: str | bytes) -> Answer:
    """Return the answer that one line of `vegeta encode --to json` tells of."""
    values = json.loads(line)
    named = (values["headers"] or {}).get(VERSION_HEADER) or [""]
    return Answer(
        sent_at=datetime.fromisoformat(values["timestamp"]).timestamp(),
        latency_seconds=values["latency"] / 1e9,
        status=values["code"],
        error=values["error"],
        version=named[0],
    )
