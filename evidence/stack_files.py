"""What the engine writes into a stack file by itself."""

from __future__ import annotations

import re
from pathlib import Path

from evidence.git import git

_STACK_FILE = re.compile(r"(^|/)Pulumi\.[^/]+\.yaml$")
# How the engine encrypts, which it notes at the first update of a stack. Nothing that is released depends on it.
_ITS_OWN = re.compile(r"[+-]((encryptionsalt|encryptedkey|secretsprovider): .*)?")


def written_by_the_engine(directory: Path, name: str) -> bool:
    """Say whether file `name`, as seen from the root of the checkout, is as committed but for such a note."""
    if _STACK_FILE.search(name) is None:
        return False
    # The last line of a file may have to change so that another can follow it.
    changed = git(
        directory,
        "diff",
        "HEAD",
        "--no-color",
        "--no-ext-diff",
        "--unified=0",
        "--ignore-space-at-eol",
        "--",
        f":/{name}",
    )
    lines = [line for line in changed.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return bool(lines) and all(_ITS_OWN.fullmatch(line) for line in lines)
