"""The table of a verification in the terminal."""

from __future__ import annotations

from reports.record import NOT_TAKEN, VerificationRecord

WIDTH = 120
_HEAD = ("STEP", "VERDICT", "TOOK", "WHAT")
_GAP = "  "


def table(record: VerificationRecord) -> str:
    """Return aligned lines of text: one for each step, the release above, no line longer than WIDTH."""
    rows = [_HEAD]
    for step in record.steps:
        took = "" if step.seconds is None else f"{step.seconds:.1f} s"
        verdict = "not taken" if step.verdict == NOT_TAKEN else step.verdict
        rows.append((step.name, verdict, took, " ".join(step.reason.split())))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    title = (
        f"verification of {record.release.version} in {record.namespace}: {record.outcome} after {record.seconds:.1f} s"
    )
    return "\n".join([title, *(_line(row, widths) for row in rows)])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, verdict, took, what = row
    line = _GAP.join([name.ljust(widths[0]), verdict.ljust(widths[1]), took.rjust(widths[2]), what]).rstrip()
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
