"""One request to somebody else's service: tried again where that may help, and bounded in time and size."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from checks.waiting import Clock

ATTEMPTS = 4
DEADLINE_SECONDS = 12.0
TIMEOUT_SECONDS = 4.0
PAUSES_SECONDS = (0.5, 1.0, 2.0)
LARGEST_ANSWER_BYTES = 256 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MAY_HELP = frozenset({408, 429})


class NotTold(Exception):  # noqa: N818  (that somebody is not told is an expected end, not a fault of the program)
    """Somebody was not told: who, why, and what mends it. Never holds a token or the body of an answer."""


@dataclass(frozen=True)
class Answer:
    """Status and JSON of an answer; `body` is empty where it was no JSON object."""

    status: int
    body: Mapping[str, Any]
    retry_after_seconds: float | None = None

    @property
    def success(self) -> bool:
        """Whether the status is 2xx."""
        return httpx.codes.is_success(self.status)


Judge = Callable[[Answer], str]


def refused(answer: Answer) -> str:
    """Return why an answer is none to build on: its status, where that is no success; empty where it is."""
    return "" if answer.success else f"it answers {answer.status}"


@dataclass
class Sender:
    """Sends to one service. `name` is the service's, `mend` what to look at where it refuses.

    A request is tried at most `attempts` times within `deadline_seconds`. Once all of them have failed the service
    counts as down: the next request is tried once, until one succeeds. Not safe to use from several threads.
    """

    name: str
    client: httpx.Client
    clock: Clock
    mend: str
    temporary: frozenset[str] = frozenset()
    attempts: int = ATTEMPTS
    deadline_seconds: float = DEADLINE_SECONDS
    _down: bool = field(default=False, init=False)

    def send(self, request: httpx.Request, judge: Judge = refused) -> Answer:
        """Return the answer. `judge` says why it is none, or nothing. Raises NotTold."""
        started, why = self.clock.now(), ""
        attempts = 1 if self._down else self.attempts
        for attempt in range(attempts):
            left = self.deadline_seconds - (self.clock.now() - started)
            if left <= 0:
                break
            found, why, pause = self._try(request, judge, left)
            if found is not None:
                self._down = False
                return found
            if pause is None:
                raise NotTold(f"{self.name}: {why}; {self.mend}")
            pause = max(pause, PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS) - 1)])
            if attempt + 1 == attempts or pause > self.deadline_seconds - (self.clock.now() - started):
                break
            self.clock.sleep(pause)
        self._down = True
        raise NotTold(f"{self.name}: {why} (gave up after {self.clock.now() - started:.0f} s)")

    def _try(self, request: httpx.Request, judge: Judge, left: float) -> tuple[Answer | None, str, float | None]:
        """Return the answer, else why there is none and how long to wait; None for a wait that would not help."""
        seconds = min(TIMEOUT_SECONDS, left)
        try:
            answer = self._ask(request, seconds)
        except httpx.TimeoutException:
            return None, f"it gives no answer within {seconds:.0f} s", 0.0
        except httpx.RequestError as error:
            # Its own text may hold what was sent.
            return None, f"it cannot be reached ({type(error).__name__})", 0.0
        why = judge(answer)
        if not why:
            return answer, "", None
        again = answer.status in _MAY_HELP or answer.status >= httpx.codes.INTERNAL_SERVER_ERROR
        if again or why in self.temporary:
            return None, why, answer.retry_after_seconds or 0.0
        return None, why, None

    def _ask(self, request: httpx.Request, seconds: float) -> Answer:
        answer, content = self.read(request, seconds, drips_after=seconds, largest=LARGEST_ANSWER_BYTES)
        return Answer(answer.status_code, _object_in(content), seconds_in(answer.headers.get("Retry-After", "")))

    def read(
        self, request: httpx.Request, seconds: float, *, drips_after: float, largest: int
    ) -> tuple[httpx.Response, bytes]:
        """Return the answer, and its body as far as it goes beyond `largest` bytes by one piece at most.

        Read as it comes, so that one that only drips is left after `drips_after` seconds. Raises httpx.RequestError.
        """
        again = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            extensions={"timeout": httpx.Timeout(seconds).as_dict()},
        )
        started, content = self.clock.now(), b""
        answer = self.client.send(again, stream=True)
        try:
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > largest:
                    break
                if self.clock.now() - started > drips_after:
                    raise httpx.ReadTimeout("the answer drips", request=again)
        finally:
            answer.close()
        return answer, content


def client(address: str, trust: ssl.SSLContext, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a client for `address`, which follows no redirect: a token goes nowhere but there."""
    # A proxy of the environment leads away from this machine.
    local = httpx.URL(address).host in _LOOPBACK
    return httpx.Client(verify=trust, transport=transport, trust_env=not local, timeout=TIMEOUT_SECONDS)


def _object_in(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def seconds_in(text: str) -> float | None:
    """Return the seconds of a Retry-After; its other form, a date, is not used by those who are told."""
    return float(text) if text.isascii() and text.isdigit() else None
