"""What stands against a resource: the rules of its environment, applied to plain data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policies.levels import RULES, Level, level_of
from policies.rules.rule import Given, Properties

WIDTHS = (26, 24, 48, 46)
HEADINGS = ("rule", "resource", "what is wrong", "what mends it")


@dataclass(frozen=True)
class Violation:
    """What keeps a release from beginning: by which rule, where, what is wrong and what mends it."""

    rule: str
    subject: str
    wrong: str
    mends: str


def violations(kind: str, name: str, properties: Properties, given: Given) -> list[Violation]:
    """Return everything that stands against a resource by the rules that are mandatory in the environment."""
    return [
        Violation(rule.name, name, text, rule.remedy)
        for rule in RULES
        if rule.applies(kind) and level_of(rule, given.environment) is Level.MANDATORY
        for text in rule.check(properties, given)
    ]


def as_table(headings: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[str]]) -> str:
    """Return rows below their headings as lines of text; what is longer than its column goes on below."""
    # A name or a command that is longer than its column stays in one piece, to be copied.
    wrapped = textwrap.TextWrapper(break_long_words=False, break_on_hyphens=False)
    lines = [_line(headings, widths), _line(["-" * width for width in widths], widths)]
    for row in rows:
        cells = []
        for text, width in zip(row, widths, strict=True):
            wrapped.width = width
            cells.append(wrapped.wrap(text) or [""])
        deepest = max(len(cell) for cell in cells)
        lines += [
            _line([cell[depth] if depth < len(cell) else "" for cell in cells], widths) for depth in range(deepest)
        ]
    return "\n".join(lines)


def violations_table(found: Sequence[Violation]) -> str:
    """Return the violations as a table."""
    return as_table(HEADINGS, WIDTHS, ((one.rule, one.subject, one.wrong, one.mends) for one in found))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
