"""What a release logs that was not logged before it: errors and warnings by pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from checks.reader import Unreachable
from checks.verdict import Kind, Verdict
from checks.watching.log_patterns import Pattern, compared
from checks.watching.log_store import Lines, LogStore

ERROR, WARN = "ERROR", "WARN"
LEVELS = (ERROR, WARN)
BEFORE = timedelta(hours=1)
PATTERNS_SHOWN = 10
PATTERNS_NAMED = 3


@dataclass(frozen=True)
class LogWatch:
    """Compares the errors and warnings since `deployed_at` with those of the hour before.

    A new pattern of level ERROR is TOO_FEW: somebody should read it, and it does not prove the release bad by itself;
    with `new_errors` "rollback" it is a FAIL once it was logged `new_error_lines` times. PASS: there is none. NO_DATA
    where the service has logged nothing at all since then, since such logs do not reach the store. UNREACHABLE where
    the store gives no whole answer.
    """

    store: LogStore
    deployed_at: datetime
    new_errors: Literal["tell", "rollback"]
    new_error_lines: int
    wall_clock: Callable[[], datetime]

    def look(self) -> Verdict:
        """Ask once and judge."""
        query, now = self.store.query(LEVELS), self.wall_clock()
        try:
            if not self.store.count(self.deployed_at, now):
                reason = f"the log store has no line of {self.store.query()} since {self.deployed_at:%H:%M:%S %Z}"
                return Verdict(Kind.NO_DATA, f"{reason}: see that the logs are shipped to it", query=query)
            since = self.store.lines(LEVELS, self.deployed_at, now)
            before = self.store.lines(LEVELS, self.deployed_at - BEFORE, self.deployed_at)
        except Unreachable as error:
            return Verdict(Kind.UNREACHABLE, str(error), query=query)
        return self._judged(since, before, query)

    def _judged(self, since: Lines, before: Lines, query: str) -> Verdict:
        patterns = compared(since.lines, before.lines, LEVELS)
        new = [each for each in patterns if each.new and each.level == ERROR]
        numbers = {
            "lines": since.total,
            "lines_before": before.total,
            "patterns": len(patterns),
            "new_error_patterns": len(new),
        }
        details = tuple(map(str, patterns[:PATTERNS_SHOWN]))
        cut = "" if since.complete and before.complete else _cut(since, before)
        if not new:
            reason = f"no new pattern of level {ERROR} since the deployment{cut}"
            return Verdict(Kind.PASS, reason, numbers, query, details)
        # Of the hour before only a part may be known: what seems new there need not be.
        often = [each for each in new if each.since >= self.new_error_lines]
        if self.new_errors == "rollback" and often and before.complete:
            return Verdict(Kind.FAIL, f"{_named(often)}: {often[0].since:,} lines", numbers, query, details)
        return Verdict(Kind.TOO_FEW, f"{_named(new)}{cut}", numbers, query, details)


def _named(new: list[Pattern]) -> str:
    """Return which patterns are new, without their numbers: what is told of them is then told once."""
    texts = sorted(each.text for each in new)
    more = f", and {len(texts) - PATTERNS_NAMED} more" if len(texts) > PATTERNS_NAMED else ""
    return f"new in the logs at level {ERROR}: {'; '.join(texts[:PATTERNS_NAMED])}{more}"


def _cut(since: Lines, before: Lines) -> str:
    parts = [
        f"{len(each.lines):,} of {each.total:,} lines {name}"
        for name, each in (("since the deployment", since), ("of the hour before", before))
        if not each.complete
    ]
    return f" (only the newest lines were compared: {', '.join(parts)})"
