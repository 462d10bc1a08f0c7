"""The migration of a release as `make migration-plan` printed it: the SQL, then what is known of it line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# As commands.migration_plan writes them below the SQL.
_LABELS = ("pending", "image", "SQL", "lint", "next")
_WIDTH = 11


@dataclass(frozen=True)
class Migration:
    """`facts` are pairs of a name and its text; `said` is what was printed where there is no SQL."""

    facts: tuple[tuple[str, str], ...] = ()
    lint: tuple[str, ...] = ()
    sql: str = ""
    said: str = ""

    @property
    def title(self) -> str:
        """What a reader sees of it first."""
        known = dict(self.facts)
        if not self.sql:
            return "Migration: nothing is pending" if self.said.startswith("nothing is pending") else "Migration"
        marks = f", {len(self.lint)} marked by the linter" if self.lint else ", nothing marked by the linter"
        return f"Migration: {known.get('pending', 'SQL')}{marks}"

    @property
    def sha256(self) -> str:
        """The SHA-256 of the SQL as it is approved; empty where nothing is pending."""
        return dict(self.facts).get("SQL", "").rpartition("SHA-256 ")[2]


def read_migration(text: str) -> Migration:
    """Return what the text says. One that holds no SQL is kept as it is."""
    lines = text.rstrip().split("\n")
    labelled = _labelled(lines)
    known = [(label, value) for label, value in labelled if label in {"pending", "image", "SQL"}]
    if "SQL" not in dict(known):
        return Migration(said=text.strip())
    return Migration(
        facts=tuple(known),
        lint=tuple(value for label, value in labelled if label == "lint"),
        sql="\n".join(lines[: len(lines) - len(labelled)]).strip("\n"),
    )


def _labelled(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Return label and text of the last lines, from the bottom up to the first that has none: there the SQL ends."""
    found: list[tuple[str, str]] = []
    for line in reversed(lines):
        label = line[:_WIDTH].rstrip()
        if label not in _LABELS or not line[_WIDTH:].strip():
            break
        found.append((label, line[_WIDTH:].strip()))
    return found[::-1]
