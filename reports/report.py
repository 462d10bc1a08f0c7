"""Looks on at a verification: its progress while it runs, and the table, the record and the page at its end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checks.reader import Unreachable
from cluster.errors import ClusterError
from cluster.history.history import Attempt, History
from cluster.release import Release
from cluster.verification.steps import StepEnd
from reports.courses import charts_of_gates, phases_of
from reports.page import page
from reports.progress import Progress
from reports.record import NOT_TAKEN, ChartRecord, PhaseRecord, StepRecord, VerificationRecord, step_record
from reports.table import table

JSON_FILE, PAGE_FILE = "verification.json", "verification.html"
# What was before is shown for as long as the release took, but for no more and no less than this.
LEAST_BEFORE, MOST_BEFORE = timedelta(minutes=1), timedelta(minutes=5)
# Asked from the first moment (Unix seconds) to the last; raises nothing.
ChartSource = Callable[[float, float], Sequence[ChartRecord]]


@dataclass
class VerificationReport:
    """Implements cluster.verification.steps.Onlooker; one object for one verification.

    `history` holds the record of the release, `charts` gives the metrics over time, and `error_percent` is the limit
    of errors that the canary's gates judged by. The two files are written into `directory`, each as a whole or not at
    all; what cannot be asked for or written is told, and changes nothing for the release.
    """

    stack: str
    namespace: str
    directory: Path
    history: History
    charts: ChartSource
    error_percent: float | None
    progress: Progress
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _release: Release | None = field(default=None, init=False)
    _planned: tuple[str, ...] = field(default=(), init=False)
    _taken: list[StepRecord] = field(default_factory=list, init=False)
    _began: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)
    _verifies: bool = field(default=True, init=False)

    def begins(self, release: Release, steps: Sequence[str]) -> None:
        """Show which steps will be taken."""
        self._release, self._planned, self._began = release, tuple(steps), self.wall_clock()
        self._taken = []
        self.progress.begins(steps)

    def step_begins(self, name: str) -> None:
        """Show that a step runs."""
        self.progress.step_begins(name)

    def step_ends(self, step: StepEnd) -> None:
        """Keep how a step ended."""
        self._taken.append(step_record(step))
        self.progress.step_ends(step.name, step.verdict.kind, step.seconds)

    def ends(self, outcome: str, text: str) -> None:
        """Show the table and write the two files."""
        try:
            record = self._record(outcome, text)
            self.progress.told.line(table(record))
            self._write(JSON_FILE, json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")
            self._write(PAGE_FILE, page(record))
            self.progress.told.line(f"verification: the record is in {JSON_FILE}, the report in {PAGE_FILE}")
        except Exception as error:  # noqa: BLE001 - by now the release is decided, and no report may change that
            self.progress.told.line(f"verification: no report: {type(error).__name__}: {error}")

    def canary_ended(self, release: Release, step: StepEnd, not_taken: Sequence[str], outcome: str, text: str) -> None:
        """Report on a release that did not come as far as its verification: what `step` of its canary saw."""
        self._release, self._began, self._verifies = release, step.began, False
        self._planned, self._taken = tuple(not_taken), [step_record(step)]
        self.ends(outcome, text)

    def _record(self, outcome: str, text: str) -> VerificationRecord:
        ended = self.wall_clock()
        attempt = self._attempt()
        began = attempt.entries[0].at if attempt is not None and attempt.entries else None
        verification = [PhaseRecord(name="verification", began=self._began, ended=self._taken_until())]
        since = began or self._began
        since -= min(MOST_BEFORE, max(LEAST_BEFORE, ended - since))
        taken = {each.name for each in self._taken}
        rest = [StepRecord(name=name, verdict=NOT_TAKEN) for name in self._planned if name not in taken]
        return VerificationRecord.model_validate(
            {
                "stack": self.stack,
                "namespace": self.namespace,
                "deployment": self.history.deployment,
                "release": self._release,
                "outcome": outcome,
                "text": text,
                "began": self._began,
                "ended": ended,
                "seconds": round((ended - self._began).total_seconds(), 3),
                "steps": (*self._taken, *rest),
                "release_began": began,
                "phases": (
                    *(phases_of(attempt) if attempt is not None else ()),
                    *(verification if self._verifies else ()),
                ),
                "charts": (
                    *self.charts(since.timestamp(), ended.timestamp()),
                    *(charts_of_gates(attempt, self.error_percent) if attempt is not None else ()),
                ),
            }
        )

    def _taken_until(self) -> datetime:
        """Return when the last step ended: what follows may be a rollback."""
        return max([self._began, *(each.ended for each in self._taken if each.ended is not None)])

    def _attempt(self) -> Attempt | None:
        """Return what the release's record says, the gates of its canary among it."""
        try:
            last = next(iter(self.history.read()), None)
        except (ClusterError, Unreachable) as error:
            self.progress.told.line(
                f"verification: the report has no canary, as the release's record cannot be read: {error}"
            )
            return None
        identity = None if self._release is None else self._release.identity
        return last if last is not None and last.identity == identity else None

    def _write(self, name: str, text: str) -> None:
        file = self.directory / name
        # Nobody ever reads half a file, not even of a run that is killed here.
        half = file.with_name(f".{name}.{os.getpid()}")
        try:
            half.write_text(text, encoding="utf-8")
            half.replace(file)
        finally:
            half.unlink(missing_ok=True)
