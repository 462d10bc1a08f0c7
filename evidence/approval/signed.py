"""Signed approvals: `<directory>/<stack>/<version>.yaml`, and its signature beside it, under the same name with .sig.

Read from the project's own directory, and from the main branch as it was fetched last: an approval names a commit, so
it cannot be part of it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from concerns.approval import ApprovalSettings, SignedApprovalSettings
from evidence.approval.signature import SignatureError, sign, wrong_with
from evidence.approval.subject import Subject
from evidence.git import TIMEOUT_SECONDS, GitError, main_remote

SUFFIX = ".sig"
LARGEST_BYTES = 64 * 1024


class SignedApproval(BaseModel):
    """What is signed: who approves which release of which stack, its commit, and its image where it is built."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str
    version: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    digest: str = Field(default="", pattern=r"^(sha256:[0-9a-f]{64})?$")
    by: str = Field(min_length=1)
    at: AwareDatetime


@dataclass(frozen=True)
class Signed:
    """A file that was found at `source`; `approval` is None where it cannot be read, `wrong` says why it counts not."""

    source: str
    approval: SignedApproval | None
    wrong: str = ""


@dataclass(frozen=True)
class SignedApprovals:
    """The signed approvals of a stack. `project` is its directory, `checkout` one within the release's repository."""

    settings: ApprovalSettings
    wanted: SignedApprovalSettings
    project: Path
    checkout: Path
    main_branch: str

    def path(self, subject: Subject) -> str:
        """Return where the file of a release is, from the project's directory and from the root of the checkout."""
        return f"{self.wanted.directory}/{subject.stack}/{subject.version}.yaml"

    @property
    def allowed_signers(self) -> Path:
        """The file that says whose key is whose."""
        return self.project / Path(self.wanted.allowed_signers).expanduser()

    def find(self, subject: Subject) -> list[Signed]:
        """Return every file for the release, each judged. Raises SignatureError or GitError where that cannot be."""
        return [
            self._judged(source, content, signature, subject) for source, content, signature in self._files(subject)
        ]

    def write(self, subject: Subject, by: str, at: datetime, key: Path) -> list[Path]:
        """Write approval and signature, in place of earlier ones of the release; return the two files.

        Raises SignatureError, also where the signature would not count, or OSError.
        """
        given = SignedApproval(
            stack=subject.stack, version=subject.version, commit=subject.commit, digest=subject.digest, by=by, at=at
        )
        content = yaml.safe_dump(given.model_dump(mode="json"), sort_keys=False).encode()
        signature = sign(key, content)
        wrong = wrong_with(content, signature, self.allowed_signers, self.settings.called(by))
        if wrong:
            raise SignatureError(
                f"this signature would not count: {wrong}; sign with the key of {by} that {self.allowed_signers.name}"
                " has, or add that key there"
            )
        file = self.project / self.path(subject)
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(file.name + SUFFIX)
        file.write_bytes(content)
        beside.write_bytes(signature)
        return [file, beside]

    def _files(self, subject: Subject) -> Iterator[tuple[str, bytes, bytes | None]]:
        path = self.path(subject)
        file = self.project / path
        if file.is_file():
            beside = file.with_name(file.name + SUFFIX)
            yield path, file.read_bytes(), beside.read_bytes() if beside.is_file() else None
        remote = main_remote(self.checkout)
        branch = f"refs/remotes/{remote}/{self.main_branch}"
        content = _in_git(self.checkout, f"{branch}:{path}") if remote else None
        if content is not None:
            yield f"{path} on {remote}/{self.main_branch}", content, _in_git(self.checkout, f"{branch}:{path}{SUFFIX}")

    def _judged(self, source: str, content: bytes, signature: bytes | None, subject: Subject) -> Signed:
        try:
            values = yaml.safe_load(content[:LARGEST_BYTES])
            # The moment stands there as text, and is judged as JSON has it.
            found = SignedApproval.model_validate(values)
        except (yaml.YAMLError, ValidationError, ValueError):
            return Signed(source, None, "it is no approval, or says what none says")
        if (found.stack, found.version) != (subject.stack, subject.version):
            return Signed(source, found, f"it is of {found.version[:80]} for {found.stack[:40]}")
        if signature is None:
            return Signed(source, found, f"its signature is not beside it ({SUFFIX})")
        wrong = wrong_with(content, signature, self.allowed_signers, self.settings.called(found.by))
        if not wrong and found.at > datetime.now(UTC):
            wrong = f"it is from the future: {found.at:%Y-%m-%d %H:%M %Z}"
        return Signed(source, found, wrong)


def _in_git(directory: Path, name: str) -> bytes | None:
    """Return the bytes of a file in git, or None where there is none. Raises GitError where git cannot answer."""
    command = ["git", "-C", str(directory), "cat-file", "blob", name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    except FileNotFoundError:
        raise GitError("git is not on PATH; install it: apt-get install git") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"'{' '.join(command)}' did not end within {TIMEOUT_SECONDS} s; run it by hand") from None
    return done.stdout if done.returncode == 0 else None
