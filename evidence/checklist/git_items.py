"""Items that git alone proves: merged to main, and tagged."""

from __future__ import annotations

from concerns.checklist import ChecklistSettings
from concerns.release import ReleaseSettings
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, Prover, State
from evidence.git import GitError, git
from evidence.release import released

_GIT = "git"


def merged(candidate: Candidate, settings: ChecklistSettings) -> Prover:
    """Return what proves item 1: the commit is part of main, as it was fetched last. Fetches nothing."""

    def prove() -> Proof:
        directory, revision, main = candidate.directory, candidate.revision, settings.main_branch
        if revision.changes:
            value = f"the work tree is not as commit {revision.short} has it"
            return _missing(value, "git stash --include-untracked, or commit it and have it merged")
        remote = revision.remote
        if not remote:
            return _missing("the repository has no remote", f"git remote add origin <url> && git push -u origin {main}")
        branch, fetch = f"{remote}/{main}", f"git fetch {remote} {main}"
        known = git(directory, "for-each-ref", "--format=%(objectname:short)", f"refs/remotes/{branch}")
        if not known:
            return Proof(State.UNKNOWN, _GIT, f"this clone has no {branch}", closes=fetch)
        if git(directory, "for-each-ref", f"--contains={revision.sha}", "--format=.", f"refs/remotes/{branch}"):
            return Proof(State.PROVEN, _GIT, f"commit {revision.short} is part of {branch}", f"{branch} is at {known}")
        if git(directory, "rev-parse", "--is-shallow-repository") == "true":
            value = f"this clone lacks the history that shows whether {branch} has commit {revision.short}"
            return Proof(State.UNKNOWN, _GIT, value, closes=f"git fetch --unshallow {remote}")
        closes = f"merge commit {revision.short} into {main} by a pull request, then: {fetch}"
        return _missing(f"commit {revision.short} is not part of {branch}", closes, seen=f"{branch} is at {known}")

    return prove


def tag(candidate: Candidate, settings: ChecklistSettings, wanted: ReleaseSettings) -> Prover:
    """Return what proves item 5: one annotated tag of the form on the commit; where that is asked for, signed."""

    def prove() -> Proof:
        directory = candidate.directory
        if wanted.tag is None:
            return _missing("release.tag is not set, so no tag names a release", "set release.tag to the form of a tag")
        # Raises here where git itself cannot answer, so that what is raised below is about tags.
        git(directory, "rev-parse", "HEAD")
        try:
            asked = ReleaseSettings(tag=wanted.tag, branch=wanted.branch)
            name = released(directory, candidate.revision, asked).release
        except GitError as error:
            return _not_tagged(str(error))
        if not settings.signed_tags:
            return Proof(State.PROVEN, _GIT, f"annotated tag {name} is on commit {candidate.revision.short}")
        return _signed(candidate, name)

    return prove


def _signed(candidate: Candidate, name: str) -> Proof:
    directory, remote = candidate.directory, candidate.revision.remote or "origin"
    if not git(directory, "for-each-ref", "--format=%(contents:signature)", f"refs/tags/{name}").strip():
        closes = f"git tag -s -f -m release {name} {candidate.revision.short} && git push -f {remote} {name}"
        return _missing(f"tag {name} is not signed", closes)
    try:
        git(directory, "verify-tag", name)
    except GitError as error:
        value = f"the signature of tag {name} is not verified here ({error.reason})"
        return Proof(State.UNKNOWN, _GIT, value, closes=f"see why: git verify-tag {name}")
    value = f"annotated tag {name} is on commit {candidate.revision.short}, and its signature is verified"
    return Proof(State.PROVEN, _GIT, value)


def _not_tagged(text: str) -> Proof:
    """Return what is wrong with the tag: a text in which each problem is a line that ends with its mend."""
    lines = [line.strip() for line in text.splitlines()]
    problems = [line.rpartition("; ") for line in (lines[1:] or lines)]
    return _missing("; ".join(what for what, _, _ in problems), ", then: ".join(mend for _, _, mend in problems))


def _missing(value: str, closes: str, *, seen: str = "") -> Proof:
    return Proof(State.MISSING, _GIT, value, seen, closes=closes)
