"""The release file, `releases/<version>.md`: what people wrote down of a release, as its own commit has it.

YAML between two lines `---`, then sections of Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from concerns.checklist import FilledIn
from concerns.concern import Concern
from concerns.wrong import wrongs_of
from evidence.checklist.candidate import Candidate
from evidence.errors import EvidenceError
from evidence.git import git

LONGEST_MINUTES = 24 * 60
_FENCE = re.compile(r"^\s{0,3}(```|~~~)")
_HEADING = re.compile(r"^(?P<marks>#{1,6})\s+(?P<title>.*?)\s*#*\s*$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>)?\s*(?:\[[ xX]?\]\s*)?")
# A line that only says that something is still to be written.
_PLACEHOLDER = re.compile(
    r"(tbd|tba|tbc|n/?a|wip|to[ -]?do|fix[ -]?me|to be (done|written|filled in|announced|decided|defined|added)"
    r"|coming soon|lorem ipsum\b.*|placeholder|[.…?_*-]+|<[^<>]*>)[.:!]*",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://[^\s/]+\S*")


class FrontMatter(Concern):
    """What the top of a release file says."""

    version: str = Field(description="Version of the release, as the name of the file.")
    estimated_minutes: int = Field(ge=1, le=LONGEST_MINUTES, description="How long the deployment takes, in minutes.")
    rollback: FilledIn = Field(description="How to go back: a file of the repository, an address, or a command.")
    breaking_changes: tuple[FilledIn, ...] = Field(
        description="One text for each breaking change, with the commit's first 7 digits or its own words; [] for none."
    )
    architecture: Literal["none"] | tuple[FilledIn, ...] = Field(
        description="Decision records, each a file of the repository or an address; none where nothing changes."
    )
    critical: bool = Field(description="Whether the incident response team stands by.")
    announcement: str = Field(
        default="", pattern=r"^(https?://\S+)?$", description="Address of what stakeholders were told."
    )

    @field_validator("architecture")
    @classmethod
    def _says_none_in_words(cls, value: Literal["none"] | tuple[str, ...]) -> Literal["none"] | tuple[str, ...]:
        if not value:
            message = "must be the word none, or name a decision"
            raise ValueError(message)
        return value


class ReleaseFileError(EvidenceError):
    """The release file is missing or wrong; the text names the mend, `path` the file."""

    def __init__(self, path: str, what: str, mend: str) -> None:
        super().__init__(f"{path} {what}; {mend}")
        self.path, self.what, self.mend = path, what, mend


@dataclass(frozen=True)
class ReleaseFile:
    """A release file: what its top says, and the text of each section under its title in lower case."""

    path: str
    top: FrontMatter
    sections: Mapping[str, str]

    def lacking(self, *titles: str) -> list[str]:
        """Return those of the sections that are not there, or say nothing yet."""
        return [title for title in titles if not says_something(self.sections.get(title.lower(), ""))]


def read_release_file(candidate: Candidate, directory: str) -> ReleaseFile:
    """Return the file of the candidate's version below `directory`, as its commit has it.

    Raises ReleaseFileError where there is none, or it is wrong; GitError where git cannot answer.
    """
    short, version = candidate.revision.short, candidate.version
    if not candidate.named:
        path = f"{directory}/<version>.md"
        raise ReleaseFileError(path, "is named after the release tag, which is missing", "see item 5, tag")
    path = f"{directory}/{version}.md"
    commit_it = f"write it (docs/checklist.md shows one), commit it, and tag that commit {version}"
    if not in_commit(candidate, path):
        raise ReleaseFileError(path, f"is not part of commit {short}", commit_it)
    try:
        text = git(candidate.directory, "show", f"{candidate.revision.sha}:{path}")
    except UnicodeDecodeError:
        raise ReleaseFileError(path, "is not UTF-8", "write it as UTF-8, and release that commit") from None
    top, sections = parsed(path, text)
    if top.version != version:
        what = f"says that it is of version '{top.version[:80]}'"
        raise ReleaseFileError(path, what, f"set its version to {version}, and release that commit")
    return ReleaseFile(path, top, sections)


def in_commit(candidate: Candidate, path: str) -> bool:
    """Whether the candidate's commit has a file at `path`, from the root of the checkout."""
    listed = git(candidate.directory, "ls-tree", "--full-tree", "--name-only", candidate.revision.sha, "--", path)
    return bool(listed)


def parsed(path: str, text: str) -> tuple[FrontMatter, dict[str, str]]:
    """Return the top and the sections of a release file. Raises ReleaseFileError that names everything wrong."""
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), 0)
    mend = "correct it (docs/checklist.md shows one), and release that commit"
    if not lines or lines[0].rstrip() != "---" or not end:
        raise ReleaseFileError(path, "does not begin with YAML between two lines '---'", mend)
    try:
        values = yaml.safe_load("\n".join(lines[1:end]))
        if not isinstance(values, dict):
            raise ReleaseFileError(path, "has no object between its lines '---'", mend)
        # YAML knows dates, JSON does not: as text they are judged like any other value.
        top = FrontMatter.model_validate_json(json.dumps(values, default=str))
    except (yaml.YAMLError, TypeError, ValueError) as error:
        if isinstance(error, ValidationError):
            what = ", ".join(str(wrong) for wrong in wrongs_of(error, FrontMatter))
        else:
            what = "it cannot be read as YAML"
        raise ReleaseFileError(path, f"is wrong: {what}", mend) from None
    return top, _sections(lines[end + 1 :])


def says_something(text: str) -> bool:
    """Whether a section holds more than comments and words that something is to be written."""
    lines = (_BULLET.sub("", line).strip(" *_`") for line in _COMMENT.sub("", text).splitlines())
    return any(line and not _HEADING.match(line) and not _PLACEHOLDER.fullmatch(line) for line in lines)


def is_address(text: str) -> bool:
    """Whether the text is an address on the web."""
    return _ADDRESS.fullmatch(text) is not None


def _sections(lines: list[str]) -> dict[str, str]:
    """Return the text below each heading, with all that stands below headings of a lower level."""
    found: dict[str, list[str]] = {}
    around: list[tuple[int, str]] = []
    fence = ""
    for line in lines:
        fenced = _FENCE.match(line)
        if fenced and fence in {"", fenced[1]}:
            fence = "" if fence else fenced[1]
        heading = None if fence or fenced else _HEADING.match(line)
        if heading:
            level = len(heading["marks"])
            around = [(above, title) for above, title in around if above < level]
            around.append((level, heading["title"].lower()))
            found.setdefault(heading["title"].lower(), [])
        for _, title in around[:-1] if heading else around:
            found[title].append(line)
    return {title: "\n".join(text) for title, text in found.items()}
