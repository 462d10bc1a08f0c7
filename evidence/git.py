"""What git knows of the release: the commit, and whether what is built differs from it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evidence.errors import EvidenceError

TIMEOUT_SECONDS = 20
SHORT = 7


class GitError(EvidenceError):
    """Git cannot answer, or what it answers must not be released; the text names the mend.

    `reason` is what git itself said, where it said something.
    """

    def __init__(self, text: str, *, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or text


@dataclass(frozen=True)
class Revision:
    """A commit. `changes` is empty where the built directory is as committed, else a hash of its content.

    `release` is the tag that makes the commit a release, empty where none is asked for. `remote` is the name of the
    remote whose address `source` is; both are empty where there is none.
    """

    sha: str
    committed_at: str
    source: str
    changes: str
    release: str = ""
    remote: str = ""

    @property
    def short(self) -> str:
        """First seven digits of the commit."""
        return self.sha[:SHORT]

    def version(self, environment: str) -> str:
        """Return what /health must answer: the release's tag, or the image tag where none is asked for."""
        return self.release or self.tag(environment)

    def tag(self, environment: str) -> str:
        """Return `<environment>-<short sha>`, with a hash of what is not committed where there is such a thing."""
        tag = f"{environment}-{self.short}"
        return f"{tag}-{self.changes}" if self.changes else tag


def read_revision(directory: Path) -> Revision:
    """Return the revision of the checkout that `directory` lies in. Raises GitError where there is none."""
    sha, _, committed_at = git(directory, "log", "-1", "--format=%H %cI").partition(" ")
    remotes = _remotes(directory)
    remote = _main_of(remotes)
    source = _without_credentials(remotes[remote]) if remote else ""
    listed = git(directory, "status", "--porcelain", "--untracked-files=all", "--", ".")
    changes = _content_hash(directory) if listed else ""
    return Revision(sha, committed_at, source, changes, remote=remote)


def git(directory: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """Return what git prints, without the last line break. Raises GitError where it fails.

    `variables` are set for git besides those of this process.
    """
    command = ["git", "-C", str(directory), *arguments]
    environment = {**os.environ, **(variables or {})}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False, env=environment
        )
    except FileNotFoundError:
        raise GitError("git is not on PATH; install it: apt-get install git") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"'{' '.join(command)}' did not end within {TIMEOUT_SECONDS} s; run it by hand") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.strip().splitlines()] or ["no reason given"]
        own_advice = next((line for line in lines if line.startswith("git ")), None)
        mend = own_advice or "make one: git init && git add -A && git commit"
        raise GitError(f"git knows no commit for {directory} ({lines[0]}); {mend}", reason=lines[0])
    return done.stdout.rstrip("\n")


def main_remote(directory: Path) -> str:
    """Return `origin`, else the first remote there is, else an empty text."""
    return _main_of(_remotes(directory))


def _remotes(directory: Path) -> dict[str, str]:
    """Return the remotes by name, each with the address that is fetched from."""
    lines = (line.partition("\t") for line in git(directory, "remote", "--verbose").splitlines())
    return {name: address.rpartition(" (fetch)")[0] for name, _, address in lines if " (fetch)" in address}


def _main_of(remotes: Mapping[str, str]) -> str:
    return "origin" if "origin" in remotes else next(iter(remotes), "")


def _content_hash(directory: Path) -> str:
    listed = git(directory, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
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
