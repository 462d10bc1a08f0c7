"""What the release changes: from the commit of the one whose place it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidence.checklist.candidate import Candidate
from evidence.errors import EvidenceError
from evidence.git import SHORT, GitError, git

# As Conventional Commits have it; a commit that was squashed names the others in a list.
_HEAD = re.compile(r"^(?:[*-] )?\w+(?:\([^()]*\))?!: (?P<what>.+)$")
_FOOTER = re.compile(r"^BREAKING[ -]CHANGE: (?P<what>.+)$")


class SinceError(EvidenceError):
    """This clone does not have the commit to count from; the text names the mend."""


@dataclass(frozen=True)
class BreakingCommit:
    """A commit that says of itself that it breaks something, and all that it says of that."""

    sha: str
    says: tuple[str, ...]


def base_of(candidate: Candidate) -> str:
    """Return the commit to count from, or the empty tree where there is none. Raises SinceError or GitError."""
    directory, before = candidate.directory, candidate.before
    if not before:
        return git(directory, "hash-object", "-t", "tree", "/dev/null")
    try:
        git(directory, "rev-parse", "--quiet", "--verify", f"{before}^{{commit}}")
    except GitError:
        remote = candidate.revision.remote or "origin"
        shallow = git(directory, "rev-parse", "--is-shallow-repository") == "true"
        fetch = f"git fetch --unshallow {remote}" if shallow else f"git fetch {remote} {before}"
        raise SinceError(
            f"this clone does not have commit {before[:SHORT]}, which is released now, so it is not known what changes;"
            f" {fetch}"
        ) from None
    return before


def breaking_commits(candidate: Candidate) -> list[BreakingCommit] | None:
    """Return the commits that break something, newest first; None where there is no other release to be broken.

    Raises SinceError or GitError.
    """
    if candidate.before in {"", candidate.revision.sha}:
        return None
    changes = f"{base_of(candidate)}..{candidate.revision.sha}"
    logged = git(candidate.directory, "log", "-z", "--format=%H%n%B", changes)
    found = []
    for entry in filter(None, logged.split("\0")):
        sha, _, message = entry.partition("\n")
        says = [match["what"] for line in message.splitlines() if (match := _HEAD.match(line) or _FOOTER.match(line))]
        if says:
            found.append(BreakingCommit(sha, tuple(says)))
    return found


def not_listed(commits: Iterable[BreakingCommit], listed: Sequence[str]) -> list[BreakingCommit]:
    """Return the commits that no entry of a list of breaking changes names."""
    return [commit for commit in commits if not any(_names(entry, commit) for entry in listed)]


def without_commit(listed: Sequence[str], commits: Sequence[BreakingCommit]) -> list[str]:
    """Return the entries of a list of breaking changes that belong to none of the commits."""
    return [entry for entry in listed if not any(_names(entry, commit) for commit in commits)]


def _names(entry: str, commit: BreakingCommit) -> bool:
    """Whether the entry names the commit by its first digits, or says what it says."""
    text = _plain(entry)
    return commit.sha[:SHORT] in text or any(_plain(said) in text for said in commit.says)


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()
