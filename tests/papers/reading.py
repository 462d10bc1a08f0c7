"""What the papers (README.md, docs/) say that can be held against the project: commands, paths, keys of settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("make", "kubectl", "pulumi", "git", "curl", "docker", "eval", "pytest")
_FENCE = re.compile(r"^ *```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
# What a person fills in, and what may be left out.
_PLACEHOLDER = re.compile(r"<([a-z][^<>\n]*)>")
_OPTIONAL = re.compile(r"\[([A-Z]+=[^\]]*)\]")
_INNER = re.compile(r"\$\(([^()]+)\)")
_VARIABLE = re.compile(r"([A-Za-z_]+)=(.*)", re.DOTALL)
# Begins what stands for something that the reader fills in.
SOME = "some-"
_BETWEEN = {"&&", "||", ";", "|", "&"}


@dataclass(frozen=True)
class Command:
    """One command of a paper: its words without the variables before it, and those variables by name."""

    paper: str
    words: tuple[str, ...]
    before: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """What is run."""
        return self.words[0]

    @property
    def variables(self) -> dict[str, str]:
        """The variables that are given to make."""
        return {found[1]: found[2] for word in self.words[1:] if (found := _VARIABLE.fullmatch(word))}

    @property
    def target(self) -> str:
        """The target of make; empty where there is none."""
        plain = (word for word in self.words[1:] if not word.startswith("-") and not _VARIABLE.fullmatch(word))
        return next(plain, "")

    def __str__(self) -> str:
        return shlex.join(self.words)


def papers() -> list[Path]:
    """Return all papers."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def text_of(paper: Path) -> str:
    """Return the text of a paper."""
    return paper.read_text(encoding="utf-8")


def blocks(paper: Path, kind: str) -> list[str]:
    """Return the fenced blocks of a kind."""
    return [found["text"] for found in _FENCE.finditer(text_of(paper)) if found["kind"] == kind]


def spans(paper: Path) -> list[str]:
    """Return all that stands in backticks within a line, outside of the blocks."""
    return [found[1] for found in _SPAN.finditer(_FENCE.sub("", text_of(paper)))]


def filled_in(text: str) -> str:
    """Return a command as somebody types it: with `some-...` for each `<...>`, and with what may be left out."""
    return _PLACEHOLDER.sub(lambda found: SOME + found[1].replace(" ", "-"), _OPTIONAL.sub(r"\1", text)).replace(
        "…", "..."
    )


def commands() -> list[Command]:
    """Return every command of every paper, those inside of `$(...)` too."""
    return [command for paper in papers() for command in _commands_of(paper)]


def _commands_of(paper: Path) -> Iterator[Command]:
    name = str(paper.relative_to(ROOT))
    for block in blocks(paper, "console"):
        for line in filled_in(block).replace("\\\n", " ").splitlines():
            yield from _commands_in(name, line)
    for span in spans(paper):
        if span.split()[0] in PROGRAMS:
            yield from _commands_in(name, filled_in(span))


def _commands_in(paper: str, line: str) -> Iterator[Command]:
    for inner in _INNER.findall(line):
        yield from _commands_in(paper, inner)
    found = shlex.shlex(_INNER.sub("INNER", line), posix=True, punctuation_chars=True)
    found.whitespace_split = True
    words: list[str] = []
    for word in [*found, ";"]:
        if word not in _BETWEEN:
            words.append(word)
            continue
        before = [found[1] for found in map(_VARIABLE.fullmatch, words) if found]
        first = next((number for number, each in enumerate(words) if not _VARIABLE.fullmatch(each)), len(words))
        if words[first:]:
            yield Command(paper, tuple(words[first:]), tuple(before[:first]))
        words = []
