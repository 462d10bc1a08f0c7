"""The file of a release: what is released, how long it takes, how one goes back; people and the checklist read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

# As https://www.conventionalcommits.org has them; any other subject is a change.
_KIND = re.compile(r"^(?P<kind>[a-z]+)(?:\([^)]*\))?(?P<breaks>!)?: (?P<what>.+)$")
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE: (?P<what>.+)$", re.MULTILINE)
_HEADINGS = {"feat": "New", "fix": "Mended", "perf": "Faster", "security": "Security"}
_OTHER = "Other changes"
NONE = "none"
_YES, _NO = {"yes", "y", "true"}, {"no", "n", "false", ""}


@dataclass(frozen=True)
class Commit:
    """One commit: short id, author, first line and body of its message."""

    short: str
    author: str
    subject: str
    body: str = ""

    @property
    def breaking(self) -> tuple[str, ...]:
        """What it says that it breaks, by `!` after its kind or by a line BREAKING CHANGE."""
        named = tuple(found["what"].strip() for found in _BREAKING.finditer(self.body))
        kind = _KIND.match(self.subject)
        return named or ((kind["what"],) if kind is not None and kind["breaks"] else ())

    @property
    def heading(self) -> str:
        """Under which heading of the notes it stands."""
        kind = _KIND.match(self.subject)
        return _HEADINGS.get(kind["kind"], _OTHER) if kind is not None else _OTHER

    @property
    def line(self) -> str:
        """As the notes have it."""
        kind = _KIND.match(self.subject)
        return f"- {kind['what'] if kind is not None else self.subject} ({self.short}, {self.author})"


@dataclass(frozen=True)
class Question:
    """What only a person knows: its field, how it is asked, the option that says it, what is wrong with an answer."""

    name: str
    text: str
    option: str
    wrong: Callable[[str], str]


@dataclass(frozen=True)
class Told:
    """What people say of a release; None is what nobody has said yet. `breaking` are those that no commit names."""

    estimated_minutes: int | None = None
    rollback: str | None = None
    architecture: tuple[str, ...] | None = None
    critical: bool | None = None
    announcement: str | None = None
    breaking: tuple[str, ...] | None = None
    plan: str = ""

    def questions(self, commits: Sequence[Commit]) -> Iterator[Question]:
        """Yield what is still to be asked."""
        named = [each for commit in commits for each in commit.breaking]
        known = f"the commits name {len(named)}; others" if named else "the commits name none; others"
        asked = (
            Question("estimated_minutes", "minutes that the deployment takes", "MINUTES=<number>", _minutes),
            Question("rollback", "how one goes back: a command, a file or a link", "ROLLBACK=<text>", _not_empty),
            Question("breaking", f"breaking changes ({known}, parted by ';', or none)", "BREAKING=<texts>", _anything),
            Question(
                "architecture",
                "decisions on architecture, files or links parted by ';', or none",
                "ARCHITECTURE=<links>",
                _some,
            ),
            Question("critical", "is it critical (the response team stands by): yes or no", "CRITICAL=yes|no", _yes_no),
            Question("announcement", "link to the announcement, or none", "ANNOUNCEMENT=<link>", _link),
        )
        yield from (each for each in asked if getattr(self, each.name) is None)

    def with_answers(self, answers: Mapping[str, str]) -> Told:
        """Return what is told together with the answers to `questions`."""
        return replace(self, **{name: _READ[name](answer) for name, answer in answers.items()})


def told(answers: Mapping[str, str]) -> Told:
    """Return what the options say, each as an answer to its question. Raises ValueError that names a wrong one."""
    given = {name: text for name, text in answers.items() if text}
    for question in Told().questions(()):
        problem = question.wrong(given[question.name]) if question.name in given else ""
        if problem:
            message = f"{question.option.partition('=')[0]} is wrong: {problem}"
            raise ValueError(message)
    return Told(plan=given.pop("plan", "")).with_answers(given)


def release_file(version: str, known: Told, commits: Sequence[Commit], before: str) -> str:
    """Return the text of the file: front matter, then a section for each thing that the checklist asks for."""
    named = [f"{each} ({commit.short[:7]})" for commit in commits for each in commit.breaking]
    breaking = [*dict.fromkeys(named), *(known.breaking or ())]
    architecture: list[str] | str = list(known.architecture or ()) or NONE
    front: dict[str, Any] = {
        "version": version,
        "estimated_minutes": known.estimated_minutes,
        "rollback": known.rollback,
        "breaking_changes": breaking,
        "architecture": architecture,
        "critical": bool(known.critical),
        "announcement": known.announcement or "",
    }
    plan = known.plan or "The update of this program, from its saved plan: image, migration, canary, verification."
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120)
    sections = {
        "Plan": f"{plan}\nIt takes about {known.estimated_minutes} minutes.",
        "Rollback": str(known.rollback),
        "Release notes": _notes(commits, before),
        "Breaking changes": "\n".join(f"- {each}" for each in breaking) or "None.",
        "Architecture": "None." if architecture == NONE else "\n".join(f"- {each}" for each in architecture),
    }
    body = "\n".join(f"## {title}\n\n{text}\n" for title, text in sections.items())
    return f"---\n{head}---\n\n# {version}\n\n{body}"


def _notes(commits: Sequence[Commit], before: str) -> str:
    headings = dict.fromkeys([*_HEADINGS.values(), _OTHER])
    lines = [f"Since {before or 'the beginning'}:"]
    for heading in headings:
        of_it = [each.line for each in commits if each.heading == heading]
        lines += ["", f"### {heading}", "", *of_it] if of_it else []
    return "\n".join(lines)


def _minutes(answer: str) -> str:
    right = answer.isascii() and answer.isdigit() and 0 < int(answer) <= 24 * 60
    return "" if right else f"'{answer[:20]}' is no whole number of minutes from 1 to 1440"


def _not_empty(answer: str) -> str:
    return "" if answer else "it must not be empty"


def _some(answer: str) -> str:
    return "" if answer else "name them, or say none"


def _anything(_answer: str) -> str:
    return ""


def _yes_no(answer: str) -> str:
    return "" if answer.lower() in _YES | _NO else f"'{answer[:20]}' is neither yes nor no"


def _link(answer: str) -> str:
    return (
        ""
        if answer.lower() in {"", NONE} or re.match(r"https?://\S+$", answer)
        else f"'{answer[:60]}' is no link (https://...)"
    )


def _list(answer: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in answer.split(";") if part.strip())
    return () if [each.lower() for each in found] == [NONE] else found


_READ: Mapping[str, Callable[[str], Any]] = {
    "estimated_minutes": int,
    "rollback": str,
    "breaking": _list,
    "architecture": _list,
    "critical": lambda answer: answer.lower() in _YES,
    "announcement": lambda answer: "" if answer.lower() == NONE else answer,
}
