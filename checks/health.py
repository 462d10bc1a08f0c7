"""Whether the API says that it is healthy, and that it is the version that was released."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter

CHECKS = ("database", "cache", "message_queue")
CLOCK_TOLERANCE = timedelta(minutes=5)
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
    wrong += [f"check {name} is {_short(answers.get(name))}, not 'ok'" for name in CHECKS if answers.get(name) != "ok"]
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
    gives no answer is UNREACHABLE, not FAIL.
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
        clock: Clock,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = httpx.URL(url)
        self._attempts = attempts
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._client = client
        self._connect_to = connect_to
        self._clock = clock
        self._wall_clock = wall_clock

    def look(self, version: str) -> Verdict:
        """Ask once."""
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
            return Verdict(Kind.UNREACHABLE, f"{self._url} gives no answer: {why}", query=str(self._url))
        try:
            body = answer.json()
        except ValueError:
            body = None
        # An ingress answers 503 too while it knows of no pod, but never as a JSON object.
        silent = answer.status_code in _NO_POD_BEHIND or (
            answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and not isinstance(body, dict)
        )
        if silent:
            reason = f"{self._url} answered {answer.status_code}: no pod stands behind it"
            return Verdict(Kind.UNREACHABLE, reason, query=str(self._url))
        verdict = judge_health(answer.status_code, body, version=version, now=self._wall_clock())
        return Verdict(verdict.kind, verdict.reason, query=str(self._url))

    def run(self, version: str, reporter: Reporter) -> Verdict:
        """Ask `attempts` times, `interval_seconds` apart, and return the first answer that is not right.

        Before the first answer it waits, as long as all attempts together may take, for the address to answer at
        all: an ingress needs a moment to learn of new pods.
        """
        patience = self._attempts * (self._interval_seconds + self._timeout_seconds)
        verdict = self._first(version, self._clock.now() + patience)
        for attempt in range(1, self._attempts + 1):
            if verdict.kind is not Kind.PASS:
                return verdict
            reporter.live(f"health {attempt} of {self._attempts}: {verdict.reason}")
            if attempt < self._attempts:
                self._clock.sleep(self._interval_seconds)
                verdict = self.look(version)
        reason = f"{self._url} was healthy {self._attempts} of {self._attempts} times and answers version {version}"
        return Verdict(Kind.PASS, reason, {"attempts": self._attempts}, str(self._url))

    def _first(self, version: str, deadline: float) -> Verdict:
        verdict = self.look(version)
        while verdict.kind is Kind.UNREACHABLE and self._clock.now() < deadline:
            self._clock.sleep(self._interval_seconds)
            verdict = self.look(version)
        return verdict
