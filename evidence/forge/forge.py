"""What the checklist asks a forge, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evidence.errors import EvidenceError


class ForgeError(EvidenceError):
    """The forge gives no usable answer, or refuses; the text names the mend. Never means "there is none"."""


class UnknownCommitError(ForgeError):
    """The forge answers that it does not have the commit."""


@dataclass(frozen=True)
class CheckRun:
    """A check of a commit. `outcome` is "success", another conclusion, or how far it is: "queued", "in_progress"."""

    name: str
    outcome: str
    link: str


@dataclass(frozen=True)
class PullRequest:
    """A pull request into branch `base`; `head` is its last commit. `author` is empty where the account is gone."""

    number: int
    author: str
    head: str
    base: str
    merged: bool
    labels: tuple[str, ...]
    link: str


@dataclass(frozen=True)
class Review:
    """A judgement of one commit of a pull request. `outcome` is "approved", "changes_requested" or "dismissed"."""

    by: str
    outcome: str
    commit: str
    link: str


@dataclass(frozen=True)
class EnvironmentApproval:
    """Somebody's approval of a commit for an environment of the forge; of which image, where the comment says so."""

    by: str
    link: str
    digest: str = ""


class Forge(Protocol):
    """A repository of a forge. Every method may raise ForgeError, and is called from several threads."""

    @property
    def name(self) -> str:
        """The forge and the repository, as a person says it."""

    def check_runs(self, sha: str) -> Sequence[CheckRun]:
        """Return the newest check runs of the commit. Raises UnknownCommitError."""

    def pull_requests(self, sha: str) -> Sequence[PullRequest]:
        """Return the pull requests that the commit is part of, or was made by. Raises UnknownCommitError."""

    def reviews(self, number: int) -> Sequence[Review]:
        """Return the judgements of a pull request, oldest first; mere comments are none."""

    def environment_approvals(self, sha: str, environment: str) -> Sequence[EnvironmentApproval]:
        """Return who approved the commit for the environment; a rejection is none."""

    def author(self, sha: str) -> str:
        """Return the login of the commit's author, or nothing where it is nobody's. Raises UnknownCommitError."""

    def page(self, sha: str, path: str = "") -> str:
        """Return the address of the commit, or of a file in it, for a person to look at."""
