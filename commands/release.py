"""Makes a release: its file, its branch and its tag, from the commits since the one before."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from commands.release_file import Commit, Told, release_file
from concerns.release import ReleaseSettings
from evidence.errors import EvidenceError
from evidence.git import GitError, git, main_remote

DIRECTORY = Path("releases")
# Between fields and between commits: signs that no message has.
_FIELD, _COMMIT = "\x1f", "\x1e"

Ask = Callable[[str], str]


class ReleaseError(EvidenceError):
    """No release is made, and nothing was changed; the text says why, and the command that mends it."""


@dataclass(frozen=True)
class Names:
    """What a release is called: `branch` is empty where the stack asks for none."""

    version: str
    branch: str
    form: str

    @classmethod
    def of(cls, settings: ReleaseSettings, stack: str, at: datetime) -> Names:
        """Return the names of a release that is made at `at`. Raises ReleaseError where the stack has no releases."""
        if settings.tag is None:
            raise ReleaseError(
                f"stack '{stack}' has no releases: release.tag is not set in its file, so every commit is one;"
                f" to update it: make up STACK={stack}"
            )
        moment = at.astimezone(UTC)
        return cls(moment.strftime(settings.tag), moment.strftime(settings.branch or ""), settings.tag)


@dataclass
class Releasing:
    """Makes one release of the repository that `directory` is the root of; `ask` is None where nobody can be asked."""

    directory: Path
    stack: str
    names: Names
    ask: Ask | None = None
    _before: str = field(default="", init=False)
    _since: str = field(default="", init=False)

    def run(self, told: Told, *, push: bool) -> list[str]:
        """Write and commit the file, make branch and tag on that commit, and return what a person reads.

        What `told` leaves open is asked for. Raises GitError or ReleaseError: then nothing is left half made.
        """
        self._refuse()
        commits = self._commits()
        known = complete(told, self.names.version, commits, self.ask)
        file = self.directory / DIRECTORY / f"{self.names.version}.md"
        return self._make(file, release_file(self.names.version, known, commits, self._before), push=push)

    def _refuse(self) -> None:
        version = self.names.version
        changed = git(self.directory, "status", "--porcelain", "--untracked-files=all").splitlines()
        if changed:
            named = ", ".join(line[3:] for line in changed[:3])
            raise ReleaseError(
                f"the work tree is not as committed ({named}), and a release is made of what is committed;"
                " commit it (git add -A && git commit) or put it away (git stash --include-untracked)"
            )
        if version in self._all("refs/tags/"):
            raise ReleaseError(
                f"tag {version} exists already, and a version is released once;"
                f" for another release wait until {self._next()}, or take the tag away where it was never pushed:"
                f" git tag -d {version}"
            )
        file = DIRECTORY / f"{version}.md"
        if (self.directory / file).exists():
            raise ReleaseError(
                f"{file} exists already, though tag {version} does not; where it is right, tag its commit:"
                f" git tag -a -m 'Release {version}' {version}; else take it away: git rm {file}, and commit that"
            )
        if self.names.branch and self.names.branch in self._all("refs/heads/"):
            raise ReleaseError(
                f"branch {self.names.branch} exists already; take it away where it is a left-over:"
                f" git branch -d {self.names.branch}"
            )

    def _next(self) -> str:
        return "the next second" if "%S" in self.names.form else "tomorrow"

    def _all(self, kind: str) -> list[str]:
        return git(self.directory, "for-each-ref", "--format=%(refname:strip=2)", kind).splitlines()

    def _commits(self) -> list[Commit]:
        """Return the commits since the last release, newest first. Raises ReleaseError where there is none."""
        self._before = self._last_release()
        since = f"{self._before}..HEAD" if self._before else "HEAD"
        form = f"--format=%h{_FIELD}%an{_FIELD}%s{_FIELD}%b{_COMMIT}"
        listed = git(self.directory, "log", "--no-merges", form, since)
        found = [Commit(*each.lstrip("\n").split(_FIELD)) for each in listed.split(_COMMIT) if each.strip("\n")]
        # The file of a release of another stack is no change of the product.
        files = {_subject(tag) for tag in self._all("refs/tags/")}
        commits = [each for each in found if each.subject not in files]
        if not commits:
            raise ReleaseError(
                f"there is nothing new since {self._before}, and a release of the same again has no notes;"
                f" to run it again: make up STACK={self.stack}"
            )
        self._since = f"{len(commits)} commit{'' if len(commits) == 1 else 's'}"
        return commits

    def _last_release(self) -> str:
        """Return the newest tag of a release of this form that HEAD comes after, or nothing before the first."""
        pattern = "refs/tags/" + re.sub(r"%[A-Za-z]", "*", self.names.form)
        order = ("--sort=-creatordate", "--merged=HEAD", "--format=%(refname:strip=2)")
        tags = git(self.directory, "for-each-ref", *order, pattern).splitlines()
        return next((tag for tag in tags if is_of(tag, self.names.form)), "")

    def _make(self, file: Path, text: str, *, push: bool) -> list[str]:
        """Do all that changes something. Where a part of it fails, the parts before it are taken back."""
        version, branch = self.names.version, self.names.branch
        start = git(self.directory, "rev-parse", "HEAD")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            git(self.directory, "add", "--", str(file))
            git(self.directory, "commit", "--quiet", "-m", _subject(version))
            git(self.directory, "tag", "-a", version, "-m", _subject(version))
            if branch:
                git(self.directory, "branch", branch)
        except (GitError, OSError) as error:
            self._undo(file, start)
            raise ReleaseError(f"release {version} is not made, and nothing was changed: {_reason(error)}") from error
        remote = main_remote(self.directory) or "origin"
        on = git(self.directory, "rev-parse", "--abbrev-ref", "HEAD")
        pushing = ["push", "--atomic", remote, *(each for each in (on, branch, version) if each not in {"", "HEAD"})]
        lines = [
            f"release {version}: {DIRECTORY / file.name}, tag {version}{f', branch {branch}' if branch else ''}",
            f"with {self._since} since {self._before or 'the beginning'}",
        ]
        if push:
            try:
                git(self.directory, *pushing)
            except GitError as error:
                told = "; ".join(lines)
                raise ReleaseError(
                    f"{told}; it is not pushed ({error.reason}). Where {on} takes no pushes, push branch and tag, and"
                    f" merge the branch by a pull request, with a merge commit: git push {remote} {branch} {version}"
                ) from error
            return [*lines, f"pushed to {remote}", self._then()]
        return [*lines, f"next: read {DIRECTORY / file.name}, then git {' '.join(pushing)}", self._then()]

    def _then(self) -> str:
        return f"then: make approve STACK={self.stack} RELEASE={self.names.version} BY=<name>"

    def _undo(self, file: Path, start: str) -> None:
        version, branch = self.names.version, self.names.branch
        # The work tree was as committed, so this takes away nothing but what was made here.
        git(self.directory, "reset", "--quiet", "--hard", start)
        file.unlink(missing_ok=True)
        if version in self._all("refs/tags/"):
            git(self.directory, "tag", "-d", version)
        if branch and branch in self._all("refs/heads/"):
            git(self.directory, "branch", "--quiet", "-D", branch)


def complete(told: Told, version: str, commits: Sequence[Commit], ask: Ask | None) -> Told:
    """Return `told` with what it leaves open, as a person answers. Raises ReleaseError that names what nobody says."""
    open_ones = list(told.questions(commits))
    if ask is None and open_ones:
        options = "\n".join(f"  {question.option:<28} {question.text}" for question in open_ones)
        raise ReleaseError(
            f"only a person knows these of {version}, and nobody can be asked here; say them:\n{options}"
        )
    answers = {}
    for question in open_ones:
        answers[question.name] = _answer(question.text, question.wrong, ask) if ask is not None else ""
    return told.with_answers(answers)


def _answer(text: str, wrong: Callable[[str], str], ask: Ask, tries: int = 3) -> str:
    prompt = text
    for _ in range(tries):
        answer = ask(f"{prompt}: ").strip()
        problem = wrong(answer)
        if not problem:
            return answer
        prompt = f"{problem}. {text}"
    raise ReleaseError(f"no usable answer after {tries} tries to: {text}; nothing was changed")


def is_of(tag: str, form: str) -> bool:
    """Return whether the tag is one that the form makes."""
    try:
        return datetime.strptime(tag, form).replace(tzinfo=UTC).strftime(form) == tag
    except ValueError:
        return False


def _subject(version: str) -> str:
    return f"Release {version}"


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, GitError) else str(error)
