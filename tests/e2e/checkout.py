"""A repository with the work tree as it is, which tests may change and release from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sandbox.paths import REPOSITORY

IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@localhost")
REMOTE = "origin.git"


def copy_of_the_work_tree(target: Path) -> Path:
    """Make `target` a repository whose one commit on main is the work tree, uncommitted changes included."""
    listing = ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, check=True, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        source = REPOSITORY / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    (target / ".venv").symlink_to(REPOSITORY / ".venv")
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*IDENTITY, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", "-C", str(target), *arguments], check=True)
    return target


def with_a_remote(checkout: Path) -> None:
    """Give `checkout` an empty remote, a directory beside it."""
    remote = checkout.parent / REMOTE
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    subprocess.run(["git", "-C", str(checkout), "remote", "add", "origin", str(remote)], check=True)
