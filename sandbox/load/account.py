"""What a load came to: how many requests, which failed and when, which version answered, how fast."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.load.answer import Answer, Failure

QUANTILES = (0.5, 0.95, 0.99, 1.0)
UNNAMED = "(no version named)"


@dataclass(frozen=True)
class OfVersion:
    """How many requests one version answered, and how many of them badly."""

    answered: int
    failed: int


@dataclass(frozen=True)
class Account:
    """The sum of some answers. Latencies are in seconds, those of failed requests included.

    `rate` is requests a second as they were really sent. A version is empty where none was named: nothing answered,
    or the ingress did. `first_bad` and `last_bad` are in the order in which the answers came.
    """

    total: int
    rate: float
    failed: Mapping[Failure, int]
    versions: Mapping[str, OfVersion]
    first_bad: Answer | None
    last_bad: Answer | None
    latency_seconds: Mapping[float, float]

    @property
    def bad(self) -> int:
        """How many requests failed, in whatever way."""
        return sum(self.failed.values())

    @property
    def bad_seconds(self) -> float:
        """Seconds from the first bad answer to the last; 0 without any."""
        if self.first_bad is None or self.last_bad is None:
            return 0.0
        return self.last_bad.answered_at - self.first_bad.answered_at

    def lines(self) -> Iterator[str]:
        """Say it for a person, line by line."""
        yield f"requests  {self.total}, {self.rate:.1f} a second"
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.failed.items())
        share = f" ({100 * self.bad / self.total:.3g} %): {kinds}" if self.bad else ""
        yield f"failed    {self.bad}{share}"
        if self.first_bad is not None and self.last_bad is not None:
            yield (
                f"          from {_clock(self.first_bad)} to {_clock(self.last_bad)}, {self.bad_seconds:.2f} s;"
                f" the first: {self.first_bad.error or self.first_bad.status}"
            )
        for version, counts in self.versions.items():
            yield f"version   {version or UNNAMED}: {counts.answered} answers, {counts.failed} failed"
        if self.latency_seconds:
            named = ((f"p{100 * share:g}" if share < 1 else "most", of) for share, of in self.latency_seconds.items())
            yield "latency   " + ", ".join(f"{name} {1000 * seconds:.1f} ms" for name, seconds in named)


def account(answers: Sequence[Answer], *, slow_seconds: float | None = None) -> Account:
    """Return what `answers` come to. What took longer than `slow_seconds`, where given, counts as failed."""
    in_order = sorted(answers, key=lambda answer: answer.answered_at)
    failures = [(answer, answer.failure(slow_seconds)) for answer in in_order]
    bad = [answer for answer, failure in failures if failure is not None]
    of_version = Counter(answer.version for answer in in_order)
    bad_of_version = Counter(answer.version for answer in bad)
    latencies = sorted(answer.latency_seconds for answer in in_order)
    return Account(
        total=len(in_order),
        rate=_rate(in_order),
        failed=dict(Counter(failure for _, failure in failures if failure is not None)),
        versions={version: OfVersion(count, bad_of_version[version]) for version, count in of_version.items()},
        first_bad=bad[0] if bad else None,
        last_bad=bad[-1] if bad else None,
        latency_seconds={share: latencies[math.ceil(share * len(latencies)) - 1] for share in QUANTILES}
        if latencies
        else {},
    )


def _rate(answers: Sequence[Answer]) -> float:
    """Return requests a second between the first that was sent and the last."""
    sent = [answer.sent_at for answer in answers]
    seconds = max(sent) - min(sent) if sent else 0.0
    return (len(sent) - 1) / seconds if seconds else 0.0


def _clock(answer: Answer) -> str:
    return f"{datetime.fromtimestamp(answer.answered_at, UTC):%H:%M:%S.%f}"[:-3]
