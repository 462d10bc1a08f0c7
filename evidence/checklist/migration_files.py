"""Whether a release can change the database at all, as far as git knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.releases import VerifiedRelease
from evidence.errors import EvidenceError
from evidence.git import git

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class MigrationFiles:
    """The files of the migrations in a checkout: `files`, below `directory`."""

    directory: Path
    files: Sequence[str]

    def unchanged_since(self, serving: VerifiedRelease | None) -> bool:
        """Whether the files are, committed or not, as in the commit of the release that was verified last.

        False also where git cannot tell: no such release, an unknown commit, or files that git does not have.
        """
        if serving is None or _COMMIT.fullmatch(serving.release.revision) is None:
            return False
        try:
            # A name that matches nothing would be unchanged forever.
            git(self.directory, "ls-files", "--error-unmatch", "--", *self.files)
            changed = git(self.directory, "diff", "--name-only", serving.release.revision, "--", *self.files)
            added = git(self.directory, "ls-files", "--others", "--exclude-standard", "--", *self.files)
        except EvidenceError:
            return False
        return not changed and not added
