"""What git knows of the release: the commit, and whether what is built differs from it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 20
SHORT = 7


class GitError(Exception):
    """Git cannot answer; the text names the mend."""


@dataclass(frozen=True)
class Revision:
    """A commit. `changes` is empty where the built directory is as committed, else a hash of its content."""

    sha: str
    committed_at: str
    source: str
    changes: str

    @property
    def short(self) -> str:
        """First seven digits of the commit."""
        return self.sha[:SHORT]

    def tag(self, environment: str) -> str:
        """Return `<environment>-<short sha>`, with a hash of what is not committed where there is such a thing."""
        tag = f"{environment}-{self.short}"
        return f"{tag}-{self.changes}" if self.changes else tag


def read_revision(directory: Path) -> Revision:
    """Return the revision of the checkout that `directory` lies in. Raises GitError where there is none."""
    sha, _, committed_at = _git(directory, "log", "-1", "--format=%H %cI").partition(" ")
    remotes = _git(directory, "remote").splitlines()
    remote = "origin" if "origin" in remotes else next(iter(remotes), "")
    source = _without_credentials(_git(directory, "remote", "get-url", remote)) if remote else ""
    listed = _git(directory, "status", "--porcelain", "--untracked-files=all", "--", ".")
    return Revision(sha, committed_at, source, _content_hash(directory) if listed else "")


def _content_hash(directory: Path) -> str:
    listed = _git(directory, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    files = [name for name in listed.split("\0") if name]
    digest = hashlib.sha256()
    for name in sorted(set(files)):
        file = directory / name
        if file.is_file():
            digest.update(f"{name}\0{file.stat().st_mode & 0o111}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:8]


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}" if separator else url


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except FileNotFoundError:
        raise GitError("git is not on PATH; install it: apt-get install git") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"'{' '.join(command)}' did not end within {TIMEOUT_SECONDS} s; run it by hand") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise GitError(
            f"git knows no commit for {directory} ({reason}); make one: git init && git add -A && git commit"
        )
    return done.stdout.strip()
