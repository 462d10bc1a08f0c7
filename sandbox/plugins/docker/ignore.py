"""Rules of `.dockerignore`, exactly as the Docker engine reads them.

The Docker SDK has a matcher too, but it ignores case and forgets a parent directory that `**` has matched.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.plugins.docker.errors import ImageError


@dataclass(frozen=True)
class Rule:
    """One line of the file. `exception` is true for a line that starts with `!`."""

    expression: re.Pattern[str]
    exception: bool


@dataclass(frozen=True)
class Ignore:
    """All rules of a file; the last one that matches a path, or one of its parents, decides."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Ignore:
        """Read the text of an ignore file; raise ImageError for a line that Docker refuses."""
        rules: list[Rule] = []
        for line in text.removeprefix("\ufeff").splitlines():
            if line.startswith("#") or not line.strip():
                continue
            pattern = line.strip()
            exception = pattern.startswith("!")
            pattern = pattern[1:].strip() if exception else pattern
            if not pattern:
                raise ImageError("a line of .dockerignore is a lone '!'; write the path of the exception after it")
            cleaned = posixpath.normpath(pattern)
            rules.append(Rule(_expression(cleaned.lstrip("/") or cleaned), exception))
        return cls(tuple(rules))

    def with_exceptions(self, *paths: str) -> Ignore:
        """Return the same rules with `paths` kept whatever the rules say."""
        kept = tuple(Rule(re.compile(re.escape(path)), exception=True) for path in paths)
        return Ignore(self.rules + kept)

    def walk(self, root: Path) -> Iterator[str]:
        """Yield the paths below `root` that are not ignored, directories too, sorted name by name."""
        yield from self._walk(root, "", (False,) * len(self.rules))

    def _walk(self, root: Path, parent: str, parent_matches: Sequence[bool]) -> Iterator[str]:
        with os.scandir(root / parent) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        has_exceptions = any(rule.exception for rule in self.rules)
        for entry in ordered:
            path = f"{parent}/{entry.name}" if parent else entry.name
            matches, ignored = self._decide(path, parent_matches)
            if not ignored:
                yield path
            if entry.is_dir(follow_symlinks=False) and (not ignored or has_exceptions):
                yield from self._walk(root, path, matches)

    def _decide(self, path: str, parent_matches: Sequence[bool]) -> tuple[tuple[bool, ...], bool]:
        matches = tuple(
            inherited or rule.expression.fullmatch(path) is not None
            for rule, inherited in zip(self.rules, parent_matches, strict=True)
        )
        ignored = False
        for rule, matched in zip(self.rules, matches, strict=True):
            if matched:
                ignored = not rule.exception
        return matches, ignored


def _expression(pattern: str) -> re.Pattern[str]:
    """Translate one pattern: `*` and `?` stay within a name, `**` spans any number of directories."""
    result = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*" and pattern[position : position + 1] == "*":
            position += 1
            if pattern[position : position + 1] == "/":
                position += 1
            result += ".*" if position >= len(pattern) else "(?:.*/)?"
        elif character == "*":
            result += "[^/]*"
        elif character == "?":
            result += "[^/]"
        elif character == "[":
            end = pattern.find("]", position + 1)
            if end < 0:
                raise ImageError(
                    f"the line {pattern!r} of .dockerignore has a '[' without a ']'; close it or write \\["
                )
            result += f"[{pattern[position:end]}]"
            position = end + 1
        elif character == "\\" and position < len(pattern):
            result += re.escape(pattern[position])
            position += 1
        else:
            result += re.escape(character)
    return re.compile(result, re.DOTALL)
