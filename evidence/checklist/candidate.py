"""The release that the checklist judges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from concerns.release import ReleaseSettings
from evidence.git import GitError, Revision, read_revision
from evidence.release import released


@dataclass(frozen=True)
class Candidate:
    """A commit that is to be released: `directory` lies in its checkout and is what the image is built from.

    `before` is the commit of the release whose place it takes, empty where there is none: what the release changes is
    counted from there. `named` is false where the commit has no tag yet that would give it its version.
    """

    directory: Path
    revision: Revision
    environment: str
    before: str = ""
    named: bool = True

    @property
    def version(self) -> str:
        """Its version, or its image tag where it is not named yet."""
        return self.revision.version(self.environment)


def read_candidate(directory: Path, wanted: ReleaseSettings, environment: str, before: str = "") -> Candidate:
    """Return the commit that is checked out in `directory`, also where `wanted` would refuse to release it.

    Raises GitError where there is no commit.
    """
    revision = read_revision(directory)
    if wanted.tag is None:
        return Candidate(directory, revision, environment, before)
    try:
        tagged = released(directory, revision, ReleaseSettings(tag=wanted.tag))
    except GitError:
        return Candidate(directory, revision, environment, before, named=False)
    return Candidate(directory, tagged, environment, before)
