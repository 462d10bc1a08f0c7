"""Markdown of which nothing that a stranger wrote can get out: blocks that are rendered whole, or cut between rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST_CELL = 300
_TICKS = re.compile(r"`+")
_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~<>&@$]|:(?=//)")
# A name or a number after these calls a person or an issue, however the sign is written.
_CALLS = "&#8203;"
_LINK = re.compile(r"https?://[^\s<>()|\"'`\\]+")


def size(text: str) -> int:
    """Return the size that counts against a limit: bytes, which are never fewer than characters."""
    return len(text.encode())


def plain(text: str) -> str:
    """Return text that stands as it is written, on one line: no markup, no HTML, and nobody is called by `@`."""
    line = _clipped(" ".join(text.split()))
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};{_CALLS if found[0] in '@#' else ''}", line)


def code(text: str) -> str:
    """Return text as a code span that also stands in a cell of a table; nothing for no text."""
    line = _clipped(" ".join(text.split())).replace("|", "\\|")
    if not line:
        return ""
    ticks = "`" * (1 + max((len(each) for each in _TICKS.findall(line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def link(text: str, url: str) -> str:
    """Return a link, or only the text where the address is not one of the web."""
    return f"[{plain(text)}]({url})" if _LINK.fullmatch(url) else plain(text)


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


@dataclass(frozen=True)
class Paragraph:
    """Markdown that stands or falls as a whole."""

    markdown: str

    def parts(self) -> Iterator[str]:
        """Yield it as one part."""
        yield f"{self.markdown}\n\n"


@dataclass(frozen=True)
class Code:
    """A block of code. It is never cut: half of a migration is worse than none."""

    language: str
    text: str

    def parts(self) -> Iterator[str]:
        """Yield it as one part, fenced by more ticks than it has itself."""
        fence = "`" * max(3, 1 + max((len(each) for each in _TICKS.findall(self.text)), default=0))
        yield f"{fence}{self.language}\n{self.text.rstrip()}\n{fence}\n\n"


@dataclass(frozen=True)
class Table:
    """A table of cells that are Markdown already. It may be cut after any of its rows."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def parts(self) -> Iterator[str]:
        """Yield the head with the first row, then row by row."""
        head = f"{_row(self.head)}{_row(('---',) * len(self.head))}"
        for number, row in enumerate(self.rows):
            end = "\n" if number == len(self.rows) - 1 else ""
            yield f"{head if number == 0 else ''}{_row(row)}{end}"


Block = Paragraph | Code | Table


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


@dataclass(frozen=True)
class Section:
    """Blocks that a reader folds away under a title, which says the most important of them."""

    title: str
    blocks: tuple[Block, ...]
    unfolded: bool = False

    def render(self, room: int | None = None, elsewhere: str = "") -> str:
        """Return the section in at most `room` bytes, or as whole as it is; what is left out is told, with where it is.

        A section whose title and note alone are larger than `room` is as large as they are.
        """
        start = f"<details{' open' if self.unfolded else ''}><summary>{plain(self.title)}</summary>\n\n"
        end = "</details>\n\n"
        parts = [part for block in self.blocks for part in block.parts()]
        if room is None or size(start + "".join(parts) + end) <= room:
            return f"{start}{''.join(parts)}{end}"
        left = room - size(start + end) - size(_note(len(parts), elsewhere))
        kept = []
        for part in parts:
            left -= size(part)
            if left < 0:
                break
            kept.append(part)
        # A table that was cut needs the empty line that its last row would have brought.
        gap = "" if not kept or kept[-1].endswith("\n\n") else "\n"
        return f"{start}{''.join(kept)}{gap}{_note(len(parts) - len(kept), elsewhere)}{end}"


def _note(left_out: int, elsewhere: str) -> str:
    return f"_… and {left_out:,} more; the whole is in {elsewhere}._\n\n"
