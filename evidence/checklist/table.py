"""The checklist in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from textwrap import wrap

from evidence.checklist.checklist import Checklist, Line
from evidence.checklist.proof import Proof

WIDTH = 120
_TITLE = 34
_GAP = "  "
_HEAD = ("NO", "ITEM", "STATE", "BY WHAT")


def table(checklist: Checklist, today: date) -> str:
    """Return nineteen rows, then what closes each item that is open; no line is longer than WIDTH.

    An item that the environment does not require and that is not closed has its state in brackets.
    """
    rows = [_HEAD, *(_row(line, today) for line in checklist.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [_headline(checklist), "", *(_cut(_aligned(row, widths)) for row in rows)]
    if checklist.break_glass:
        lines += ["", *wrap(f"BREAK-GLASS: {checklist.break_glass}", WIDTH)]
    if checklist.open:
        lines += ["", "what closes each open item:", *(text for line in checklist.open for text in _closes(line))]
    return "\n".join(lines)


def _headline(checklist: Checklist) -> str:
    of = f"checklist of {checklist.version} for {checklist.environment}"
    count = len(checklist.open)
    required = sum(line.required for line in checklist.lines)
    if count:
        return f"{of}: {count} of {required} required items {'is' if count == 1 else 'are'} open; nothing is deployed"
    waived = f", {len(checklist.waived)} of them waived" if checklist.waived else ""
    return f"{of}: no required item is open ({required} required{waived})"


def _row(line: Line, today: date) -> tuple[str, str, str, str]:
    item, proof = line.item, line.proof
    state = proof.state.value.upper() if line.open else proof.state.value
    if not line.required and not proof.state.closed:
        state = f"({state})"
    return f"{item.number:2}", _short(item.title, _TITLE), state, _what(proof, today)


def _what(proof: Proof, today: date) -> str:
    text = f"{proof.source}: {proof.value}"
    seen = [proof.seen, _days(proof, today)]
    return " ".join(f"{text}{''.join(f' ({each})' for each in seen if each)}".split())


def _days(proof: Proof, today: date) -> str:
    if not proof.until:
        return ""
    days = (date.fromisoformat(proof.until) - today).days
    if days < 0:
        return f"until {proof.until}"
    return f"until {proof.until}, {days} day{'' if days == 1 else 's'} left" if days else f"until today, {proof.until}"


def _aligned(row: tuple[str, str, str, str], widths: list[int]) -> str:
    *cells, what = row
    return _GAP.join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), what]).rstrip()


def _closes(line: Line) -> Iterator[str]:
    proof, indent = line.proof, " " * 4
    head = (
        f"{line.item.number:2}  {line.item.name}: {proof.state}: {' '.join(f'{proof.source}: {proof.value}'.split())}"
    )
    yield from wrap(head, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    yield from wrap(
        f"-> {' '.join(proof.closes.split())}",
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "   ",
        break_on_hyphens=False,
    )
    if proof.link and proof.link not in proof.closes:
        yield _cut(f"{indent}   {proof.link}")


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def _cut(line: str) -> str:
    return _short(line, WIDTH)
