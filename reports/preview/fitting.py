"""Makes a text fit where only so much may stand: the largest sections are cut, the small ones stay whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.preview.markdown import Section, size


@dataclass(frozen=True)
class Chapter:
    """A heading of Markdown that always stands, and sections that may be cut."""

    heading: str
    sections: tuple[Section, ...] = ()


def fit(chapters: Sequence[Chapter], limit: int | None, elsewhere: str) -> str:
    """Return the text of all chapters in at most `limit` bytes, or whole where there is none.

    `elsewhere` is Markdown that says where the whole is. Where not even titles fit, the sections are left out.
    """
    whole = [[section.render() for section in chapter.sections] for chapter in chapters]
    headings = [chapter.heading for chapter in chapters]
    text = _joined(headings, whole)
    if limit is None or size(text) <= limit:
        return text
    room = limit - size("".join(headings))
    level = _level([size(each) for sections in whole for each in sections], room)
    cut = [[section.render(level, elsewhere) for section in chapter.sections] for chapter in chapters]
    text = _joined(headings, cut)
    return text if size(text) <= limit else _headings(headings, limit, elsewhere)


def _joined(headings: Sequence[str], sections: Sequence[Sequence[str]]) -> str:
    return "".join(heading + "".join(below) for heading, below in zip(headings, sections, strict=True))


def _level(sizes: Sequence[int], room: int) -> int:
    """Return the largest size to which each may be cut so that all of them together have room."""
    left, level = room, 0
    for number, each in enumerate(sorted(sizes)):
        level = left // (len(sizes) - number)
        if each > level:
            return level
        left -= each
    return level


def _headings(headings: Sequence[str], limit: int, elsewhere: str) -> str:
    note = f"_All details are left out; the whole is in {elsewhere}._\n"
    text, left = "", limit - size(note)
    for heading in headings:
        left -= size(heading)
        if left < 0:
            break
        text += heading
    return text + note
