"""Real git repositories, without anybody's own configuration of git."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

_SETTINGS = (
    "user.name=A Developer",
    "user.email=developer@example.com",
    # What keeps a repository that lives on only costs time here.
    "core.fsync=none",
    "init.templateDir=",
    "maintenance.auto=false",
)


def git(directory: Path, *arguments: str) -> str:
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    command = ["git", "-C", str(directory), *settings, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(directory: Path) -> None:
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "--allow-empty", "-m", "change")


def application(directory: Path) -> None:
    """Make a checkout with one commit: an application, and files beside it."""
    app = directory / "app"
    app.mkdir()
    (app / "Dockerfile").write_text("FROM scratch\n")
    (app / "main.py").write_text("print(1)\n")
    (app / "größe.txt").write_text("1\n")
    (directory / "README").write_text("hello\n")
    (directory / ".gitignore").write_text("*.log\n")
    git(directory, "init", "-q", "-b", "main")
    commit(directory)


def tagged_and_pushed(directory: Path) -> None:
    """Make `checkout`, with an application, on a tagged commit that its remote has: `remote.git` beside it."""
    checkout = directory / "checkout"
    (checkout / "app").mkdir(parents=True)
    (checkout / "app" / "Dockerfile").touch()
    git(directory, "init", "-q", "--bare", "-b", "main", "remote.git")
    git(checkout, "init", "-q", "-b", "main")
    git(checkout, "remote", "add", "origin", str(directory / "remote.git"))
    commit(checkout)
    git(checkout, "push", "-q", "-u", "origin", "main")
    git(checkout, "tag", "-a", "-m", "release", "v2026.11.23")


def copied(make: Callable[[Path], None], directory: Path) -> Path:
    """Put into `directory` what `make` makes in an empty one, and return it.

    It is made once and then copied, as git takes its time. A path of it, such as that of a remote, is made to fit.
    """
    pattern = _made(make)
    shutil.copytree(pattern, directory, dirs_exist_ok=True)
    for config in directory.glob("**/.git/config"):
        config.write_text(config.read_text().replace(str(pattern), str(directory)))
    return directory


@cache
def _made(make: Callable[[Path], None]) -> Path:
    directory = Path(_patterns().name) / f"{make.__module__}.{make.__name__}"
    directory.mkdir()
    make(directory)
    return directory


@cache
def _patterns() -> tempfile.TemporaryDirectory[str]:
    """Return where they lie until this process ends."""
    return tempfile.TemporaryDirectory(prefix="checkouts-")
