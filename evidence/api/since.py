"""What a release breaks of the API of the one whose place it takes, by the document that each commit holds."""

from __future__ import annotations

from collections.abc import Callable

from concerns.checklist_sources import ApiSettings
from evidence.api.breaking import ApiBreak, breaks
from evidence.api.document import ApiDocument, ApiDocumentError, read_document
from evidence.checklist.candidate import Candidate
from evidence.checklist.since import base_of
from evidence.git import SHORT, git

# Returns what the version that serves now answers as its document. Raises ApiDocumentError.
Served = Callable[[], bytes]


def nothing_served() -> bytes:
    """Return nothing, for where no running version can be asked. Raises ApiDocumentError."""
    raise ApiDocumentError("the API of the version that serves is not known; waive item notes for this release")


def broken_since(candidate: Candidate, wanted: ApiSettings | None, served: Served) -> list[ApiBreak] | None:
    """Return what the candidate breaks; None where no document is configured, or no other release is there to break.

    `served` is asked where the commit of that release has no document yet. Raises ApiDocumentError where one of the
    two cannot be read, SinceError or GitError where git cannot tell.
    """
    if wanted is None or candidate.before in {"", candidate.revision.sha}:
        return None
    after = _of_commit(candidate, candidate.revision.sha, wanted.document)
    if after is None:
        raise ApiDocumentError(
            f"{wanted.document} is not part of commit {candidate.revision.short}, so it is not known what the release"
            f" breaks of the API; write it (docs/checklist.md), commit it, and release that commit"
        )
    before = _of_commit(candidate, base_of(candidate), wanted.document)
    return breaks(before or read_document(served(), "what the running version serves"), after)


def _of_commit(candidate: Candidate, sha: str, path: str) -> ApiDocument | None:
    if not git(candidate.directory, "ls-tree", "--full-tree", "--name-only", sha, "--", path):
        return None
    source = f"{path} of commit {sha[:SHORT]}"
    try:
        text = git(candidate.directory, "show", f"{sha}:{path}")
    except UnicodeDecodeError:
        raise ApiDocumentError(f"{source} is not UTF-8") from None
    return read_document(text, source)
