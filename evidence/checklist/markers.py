"""Item 4: no test is known to fail, and no line that the release adds is marked as unfinished."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from concerns.checklist import ChecklistSettings, MarkerSettings
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.since import base_of
from evidence.checklist.tests_item import failures_in, reports_of, some
from evidence.git import git

_FILE = re.compile(r'^\+\+\+ (?:"b/(?P<quoted>.*)"|b/(?P<plain>.*?))\t?$')
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(?P<start>\d+)(?:,(?P<added>\d+))? @@")


def markers(candidate: Candidate, settings: ChecklistSettings) -> Prover:
    """Return what proves item 4. A marker that stood there before the release is none of its own."""

    def prove() -> Proof:
        hits = [f"{place} ({marker})" for place, marker in _marked(candidate, settings.markers)]
        if hits:
            closes = "finish what is marked, or take it out, and release that commit"
            return Proof(State.MISSING, "git diff", f"marked as unfinished: {some(hits)}", closes=closes)
        reports = reports_of(candidate, settings.test_reports)
        if isinstance(reports, Proof):
            return reports
        failed = failures_in(reports)
        if failed is not None:
            return failed
        known = [name for report in reports for name in report.known_failing]
        if known:
            closes = "mend what is expected to fail, or delete the test, and release that commit"
            return Proof(State.MISSING, reports[0].path, f"expected to fail: {some(known)}", closes=closes)
        source = f"{', '.join(settings.test_reports)} and git diff"
        seen = f"lines added since {candidate.before[:7]}" if candidate.before else "all lines"
        return Proof(State.PROVEN, source, "no test is known to fail, no added line is marked as unfinished", seen)

    return prove


def _marked(candidate: Candidate, settings: MarkerSettings) -> Iterator[tuple[str, str]]:
    patterns = [re.compile(pattern) for pattern in settings.patterns]
    paths = [f":(top){path}" for path in settings.paths] or ["."]
    for file, number, line in _added(candidate, paths):
        found = next((match for pattern in patterns if (match := pattern.search(line))), None)
        if found is not None:
            yield f"{file}:{number}", found.group()


def _added(candidate: Candidate, paths: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Return the lines that the release adds: file, from the root of the checkout, number and text."""
    base = base_of(candidate)
    with TemporaryDirectory(prefix="checklist-") as scratch:
        # Into a file, as sources need not be in the encoding in which git's answers are read.
        output = Path(scratch, "diff")
        options = ("--no-color", "--no-ext-diff", "--no-textconv", "--unified=0", "--no-relative", "--src-prefix=a/")
        wanted = (f"--output={output}", "--dst-prefix=b/", base, candidate.revision.sha, "--", *paths)
        git(candidate.directory, "-c", "core.quotePath=false", "diff", *options, *wanted)
        with output.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            yield from _read(lines)


def _read(lines: Iterator[str]) -> Iterator[tuple[str, int, str]]:
    """Read a diff without context. What is within a hunk is counted, as any text may stand there."""
    file = ""
    for line in lines:
        named, hunk = _FILE.match(line.rstrip("\n")), _HUNK.match(line)
        if named:
            file = named["quoted"] or named["plain"]
        if not hunk:
            continue
        number, left = int(hunk["start"]), int(hunk["added"] or 1)
        while left and (added := next(lines, "")):
            # Before them are those that were taken out, and the note that one of them had no line break.
            if added.startswith("+"):
                yield file, number, added[1:]
                number, left = number + 1, left - 1
