"""Whose commit is released: nobody approves the own one."""

from __future__ import annotations

from pathlib import Path

from concerns.approval import ApprovalSettings
from evidence.git import git


def authors_of(directory: Path, sha: str) -> frozenset[str]:
    """Return what git calls who wrote and who made the commit, in lower case. Raises GitError.

    That is the name, the mail address, and what stands before its @.
    """
    told = git(directory, "log", "-1", "--format=%an%n%ae%n%cn%n%ce", sha).splitlines()
    return frozenset(name.casefold() for text in told for name in (text, text.partition("@")[0]) if name)


def own_name(by: str, settings: ApprovalSettings, authors: frozenset[str]) -> str:
    """Return under which name an approver is an author of the commit; nothing where that is somebody else."""
    names = settings.called(settings.approver(by) or by)
    return next((name for name in (by, *names) if name.casefold() in authors), "")
