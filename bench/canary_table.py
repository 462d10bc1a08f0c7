"""The figures of the bench, laid out for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.canary_cases import GOALS, PLAIN, Figures, fault_of
from bench.canary_figures import Spread, Summary
from bench.canary_rolling import WATCHED_SECONDS


def measured(rows: Sequence[Summary], rate: int) -> Table:
    """Return what was measured, one row for each case: medians, and in brackets the least and the most."""
    table = Table(title=f"On the sandbox, {rate} requests a second: median (least to most)", title_justify="left")
    for title in ("release", "runs", "taken back"):
        table.add_column(title)
    columns = ("first to last bad answer, s", "bad answers", "share of all meanwhile", "off after, s", "other failures")
    for title in columns:
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            title_of(row.case),
            str(row.runs),
            _taken_back(row),
            spread(row.seconds, 2),
            spread(row.bad, 0),
            spread(Spread(100 * row.share.median, 100 * row.share.least, 100 * row.share.most), 1) + " %",
            spread(row.off_seconds, 2),
            f"{row.lost:,} of {row.total:,}",
        )
    return table


def compared(rows: Sequence[Summary], to_beat: Mapping[str, Mapping[str, Figures]]) -> Table:
    """Return the medians of the canary beside its goals and the figures to beat, as seconds / bad answers."""
    table = Table(title="Seconds from the first bad answer to the last / bad answers", title_justify="left")
    table.add_column("release")
    for title in ("here", "goal", *(f"Argo Rollouts 1.10, {name}" for name in to_beat)):
        table.add_column(title, justify="right")
    table.add_column("goal")
    for row in rows:
        if row.case.startswith(PLAIN):
            continue
        goal = GOALS.get(row.case)
        table.add_row(
            title_of(row.case),
            figures(Figures(row.seconds.median, row.bad.median)),
            figures(goal),
            *(figures(of.get(row.case)) for of in to_beat.values()),
            "-" if goal is None else "met" if meets(row, goal) else "missed",
        )
    return table


def meets(row: Summary, goal: Figures) -> bool:
    """Return whether every run was taken back, both medians are within the goal, and no other request was lost."""
    within = row.seconds.median <= goal.seconds and row.bad.median <= goal.bad
    return within and row.found == row.runs and row.lost == 0


def title_of(case: str) -> str:
    """Return a case as a person reads it."""
    how = "plain rolling update, probes only" if case.startswith(PLAIN) else "canary"
    return f"{fault_of(case).title}, {how}"


def spread(values: Spread, places: int) -> str:
    """Return the median, and the least and the most where they differ."""
    median = f"{values.median:,.{places}f}"
    if values.least == values.most:
        return median
    return f"{median} ({values.least:,.{places}f} to {values.most:,.{places}f})"


def figures(value: Figures | None) -> str:
    """Return `seconds / bad answers`."""
    return "-" if value is None else f"{value.seconds:,.3g} s / {value.bad:,g}"


def _taken_back(row: Summary) -> str:
    if row.case.startswith(PLAIN):
        return f"never: {WATCHED_SECONDS:.0f} s watched"
    if row.found == row.runs:
        return ", ".join(row.steps)
    return f"{row.found} of {row.runs}: {', '.join(row.steps) or 'never'}"
