"""Whether the API says that it is healthy, and that it is the version that was released."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter

CHECKS = ("database", "cache", "message_queue")
CLOCK_TOLERANCE = timedelta(minutes=5)
# Two pods may answer the same time once, to the second; nobody who looks at a clock answers it again so much later.
STALE_SECONDS = 5.0
_NO_POD_BEHIND = {httpx.codes.BAD_GATEWAY, httpx.codes.GATEWAY_TIMEOUT, httpx.codes.NOT_FOUND}


def judge_health(status_code: int, body: Any, *, version: str, now: datetime) -> Verdict:  # noqa: ANN401
    """Judge one answer of /health field by field, as the deployment guide describes it.

    `body` is the parsed JSON, or None where the answer was no JSON. Every wrong field is named, with the value got
    and the value wanted.
    """
    if not isinstance(body, dict):
        return Verdict(Kind.FAIL, f"/health answered {status_code} and no JSON object")
    wrong: list[str] = []
    if body.get("status") != "healthy":
        wrong.append(f"status is {_short(body.get('status'))}, not 'healthy'")
    if body.get("version") != version:
        wrong.append(f"version is {_short(body.get('version'))}, not the released '{version}'")
    checks = body.get("checks")
    answers = checks if isinstance(checks, dict) else {}
    # A check that the guide does not know, and that is not right, makes the answer no better.
    named = dict.fromkeys((*CHECKS, *map(str, answers)))
    wrong += [f"check {name} is {_short(answers.get(name))}, not 'ok'" for name in named if answers.get(name) != "ok"]
    stamp = _timestamp_problem(body.get("timestamp"), now)
    if stamp:
        wrong.append(stamp)
    if status_code != httpx.codes.OK:
        wrong.append(f"HTTP status is {status_code}, not 200")
    if wrong:
        return Verdict(Kind.FAIL, f"/health: {'; '.join(wrong)}")
    return Verdict(Kind.PASS, f"/health is healthy and answers version {version}")


def _short(value: object) -> str:
    return "missing" if value is None else repr(value)[:80]


def _timestamp_problem(value: object, now: datetime) -> str:
    try:
        stamp = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        stamp = None
    if stamp is None or stamp.utcoffset() != timedelta(0):
        return f"timestamp is {_short(value)}, not an ISO 8601 time in UTC"
    if abs(stamp - now) > CLOCK_TOLERANCE:
        return f"timestamp {stamp.isoformat()} is more than {CLOCK_TOLERANCE} away from now ({now.isoformat()})"
    return ""


class HealthCheck:
    """Asks /health several times and wants every answer to be right.

    `connect_to` is an address to connect to in place of the host of `url`, whose name is still the one that is asked
    for (Host header, TLS name); `ca_file` is a certificate authority to trust beside the system's. An address that
    gives no answer is UNREACHABLE, not FAIL. All answers have to be there within `timeout_in_all_seconds`, where given.
    """

    def __init__(
        self,
        url: str,
        *,
        attempts: int,
        interval_seconds: float,
        timeout_seconds: float,
        client: httpx.Client,
        connect_to: str = "",
        timeout_in_all_seconds: float | None = None,
        clock: Clock,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = httpx.URL(url)
        self._attempts = attempts
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._client = client
        self._connect_to = connect_to
        self._timeout_in_all_seconds = timeout_in_all_seconds
        self._clock = clock
        self._wall_clock = wall_clock

    def look(self, version: str) -> Verdict:
        """Ask once."""
        return self._look(version)[0]

    def _look(self, version: str) -> tuple[Verdict, str]:
        """Ask once; return the timestamp that was answered, too."""
        target = self._url.copy_with(host=self._connect_to) if self._connect_to else self._url
        try:
            answer = self._client.get(
                target,
                headers={"Host": self._url.netloc.decode()},
                timeout=self._timeout_seconds,
                extensions={"sni_hostname": self._url.host},
            )
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            return Verdict(Kind.UNREACHABLE, f"{self._url} gives no answer: {why}", query=str(self._url)), ""
        try:
            body = answer.json()
        except (ValueError, RecursionError):
            body = None
        # An ingress answers 503 too while it knows of no pod, but never as a JSON object.
        silent = answer.status_code in _NO_POD_BEHIND or (
            answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and not isinstance(body, dict)
        )
        if silent:
            reason = f"{self._url} answered {answer.status_code}: no pod stands behind it"
            return Verdict(Kind.UNREACHABLE, reason, query=str(self._url)), ""
        verdict = judge_health(answer.status_code, body, version=version, now=self._wall_clock())
        stamp = str(body.get("timestamp")) if isinstance(body, dict) else ""
        return Verdict(verdict.kind, verdict.reason, query=str(self._url)), stamp

    def run(self, version: str, reporter: Reporter) -> Verdict:
        """Ask `attempts` times, `interval_seconds` apart, and return the first answer that is not right.

        Before the first answer it waits, as long as all attempts together may take, for the address to answer at
        all: an ingress needs a moment to learn of new pods.
        """
        began = self._clock.now()
        patience = self._attempts * (self._interval_seconds + self._timeout_seconds)
        in_all = self._timeout_in_all_seconds
        first_by = began + (patience if in_all is None else min(patience, in_all))
        answered: dict[str, float] = {}
        slowest = 0.0
        for attempt in range(1, self._attempts + 1):
            asked = self._clock.now()
            verdict, stamp = self._look(version)
            while attempt == 1 and verdict.kind is Kind.UNREACHABLE and self._clock.now() < first_by:
                reporter.live(f"health, waiting for the first answer, {asked - began:.0f} s: {verdict.reason}")
                self._clock.sleep(self._interval_seconds)
                asked = self._clock.now()
                verdict, stamp = self._look(version)
            now = self._clock.now()
            slowest = max(slowest, now - asked)
            numbers = {"attempts": attempt, "slowest_seconds": round(slowest, 3)}
            verdict = self._cached(verdict, stamp, now - answered.setdefault(stamp, now))
            if verdict.kind is not Kind.PASS:
                reason = f"{verdict.reason} (answer {attempt} of {self._attempts})"
                return replace(verdict, reason=reason, numbers=numbers)
            if in_all is not None and now - began > in_all:
                reason = f"{self._url} has given {attempt} of {self._attempts} answers within {in_all:g} s"
                return Verdict(Kind.TOO_FEW, reason, numbers, str(self._url))
            reporter.live(f"health {attempt} of {self._attempts}: {verdict.reason}")
            if attempt < self._attempts:
                self._clock.sleep(self._interval_seconds)
        reason = f"{self._url} was healthy {self._attempts} of {self._attempts} times and answers version {version}"
        return Verdict(Kind.PASS, reason, numbers, str(self._url))

    def _cached(self, verdict: Verdict, stamp: str, age_seconds: float) -> Verdict:
        if verdict.kind is not Kind.PASS or age_seconds < STALE_SECONDS:
            return verdict
        before = f"timestamp {stamp} was answered {age_seconds:.0f} s before already"
        reason = f"/health: {before}: a cache answers, not the API"
        return replace(verdict, kind=Kind.FAIL, reason=reason)
