"""What makes a commit a release: the tag that names its version, and that others can see what is released."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from concerns.release import ReleaseSettings
from evidence.git import GitError, Revision, git, main_remote, read_revision
from evidence.stack_files import written_by_the_engine

FILES_NAMED = 3
_HEADS, _REMOTES, _TAGS = "refs/heads/", "refs/remotes/", "refs/tags/"


def read_release(directory: Path, wanted: ReleaseSettings) -> Revision:
    """Return the revision of the checkout that `directory` lies in, with the release tag that `wanted` asks for.

    Raises GitError as `released` does.
    """
    return released(directory, read_revision(directory), wanted)


def released(directory: Path, revision: Revision, wanted: ReleaseSettings) -> Revision:
    """Return the `revision` that the checkout stands on with the release tag that `wanted` asks for.

    Raises GitError that names everything that keeps the commit from being released, each with the command that
    mends it. Asks no remote: what is pushed is known from the remote branches as of the last push or fetch.
    """
    problems: list[str] = []
    if wanted.pushed:
        problems += [*_differences(directory), *_not_pushed(directory, revision)]
    if wanted.tag is not None:
        tags = _tags(directory)
        annotated = [name for name, kind in tags.items() if kind == "tag" and _moment(name, wanted.tag) is not None]
        if len(annotated) == 1:
            revision = replace(revision, release=annotated[0])
            problems += _not_on_branch(directory, revision, wanted.tag, wanted.branch) if wanted.branch else ()
        else:
            problems.append(_no_one_tag(revision, wanted.tag, tags, annotated))
    if not problems:
        return revision
    if len(problems) == 1:
        raise GitError(problems[0])
    lines = "".join(f"\n  {problem}" for problem in problems)
    raise GitError(f"{len(problems)} things keep commit {revision.short} from being released:{lines}")


def revision_of(directory: Path, version: str, wanted: ReleaseSettings, environment: str) -> Revision:
    """Return the revision that is released as `version`, whatever is checked out where versions are tags.

    Raises GitError where this clone does not know it.
    """
    if wanted.tag is None:
        revision = read_revision(directory)
        if revision.version(environment) == version:
            return revision
        raise GitError(
            f"what is checked out is {revision.version(environment)}, and not '{version[:80]}'; name that one, or check"
            " the other out"
        )
    name = f"refs/tags/{version}"
    if _moment(version, wanted.tag) is None or not git(directory, "for-each-ref", "--format=.", name):
        remote = main_remote(directory) or "origin"
        raise GitError(
            f"this clone has no release '{version[:80]}' of the form {wanted.tag}; git fetch --tags {remote}"
        )
    sha = git(directory, "rev-parse", f"{name}^{{commit}}")
    return Revision(sha, git(directory, "log", "-1", "--format=%cI", sha), "", "", version)


def _differences(directory: Path) -> Iterator[str]:
    entries = iter(git(directory, "status", "--porcelain", "-z", "--untracked-files=all").split("\0"))
    files = []
    for entry in entries:
        if entry and not written_by_the_engine(directory, entry[3:]):
            files.append(entry[3:])
        if entry[:1] in {"R", "C"}:
            # The name from before follows as an entry of its own.
            next(entries, None)
    if files:
        named = ", ".join(files[:FILES_NAMED])
        more = f" and {len(files) - FILES_NAMED} more" if len(files) > FILES_NAMED else ""
        yield (
            f"the work tree is not as committed ({named}{more}), and only what is committed is released;"
            " commit it (git add -A && git commit) or put it away (git stash --include-untracked)"
        )


def _not_pushed(directory: Path, revision: Revision) -> Iterator[str]:
    remote = revision.remote
    if not remote:
        yield (
            f"commit {revision.short} is not pushed, as the repository has no remote;"
            " git remote add origin <url> && git push -u origin HEAD"
        )
    elif not git(directory, "for-each-ref", "--contains=HEAD", "--format=%(refname)", _REMOTES):
        yield (
            f"commit {revision.short} is not pushed: no remote branch has it; git push {remote} HEAD"
            f" (git fetch {remote} where it was pushed from elsewhere)"
        )


def _no_one_tag(revision: Revision, form: str, tags: Iterable[str], annotated: list[str]) -> str:
    """Say why none of the commit's tags, or more than one, makes it a release."""
    commit, remote = f"commit {revision.short}", revision.remote or "origin"
    if annotated:
        return (
            f"{commit} has {len(annotated)} tags of the form {form} ({', '.join(annotated)}), and its version is one;"
            f" take the others away: git tag -d <tag> && git push {remote} :{_TAGS}<tag>"
        )
    light = next((name for name in tags if _moment(name, form) is not None), None)
    if light is not None:
        return (
            f"tag {light} of {commit} is lightweight, and only an annotated tag is a release;"
            f" git tag -f -a -m release {light} HEAD && git push -f {remote} {light}"
        )
    found = f"has the tag {', '.join(tags)}" if tags else "has no tag"
    return (
        f"{commit} {found}, and a release needs an annotated tag of the form {form};"
        f' git tag -a -m release "$(date -u +{form})" && git push --follow-tags {remote} HEAD'
    )


def _not_on_branch(directory: Path, revision: Revision, form: str, branch_form: str) -> Iterator[str]:
    moment = _moment(revision.release, form)
    branch = "" if moment is None else moment.strftime(branch_form)
    if branch in _branches(directory, "--contains=HEAD"):
        return
    wrong, remote = f"tag {revision.release} must lie on branch {branch}", revision.remote or "origin"
    if branch in _branches(directory):
        merge = f"git switch {branch} && git merge {revision.short} && git push {remote} {branch}"
        yield f"{wrong}, which does not have commit {revision.short}; {merge}"
    else:
        yield f"{wrong}, which does not exist here; git branch {branch} HEAD && git push -u {remote} {branch}"


def _tags(directory: Path) -> dict[str, str]:
    """Return the tags on HEAD, each with `tag` where it is annotated and `commit` where it is lightweight."""
    wanted = "--format=%(objecttype) %(refname:strip=2)"
    listed = git(directory, "for-each-ref", "--points-at=HEAD", wanted, _TAGS).splitlines()
    return {name: kind for kind, _, name in (line.partition(" ") for line in listed)}


def _branches(directory: Path, *which: str) -> set[str]:
    """Return the names of the branches, here and on the remotes, without the remotes' names."""
    listed = git(directory, "for-each-ref", "--format=%(refname)", *which, _HEADS, _REMOTES).splitlines()
    prefixes = [_HEADS, *(f"{_REMOTES}{remote}/" for remote in git(directory, "remote").splitlines())]
    return {ref.removeprefix(prefix) for ref in listed for prefix in prefixes if ref.startswith(prefix)}


def _moment(name: str, form: str) -> datetime | None:
    """Return the moment that a name of exactly this form names, or None where it is not of this form."""
    try:
        moment = datetime.strptime(name, form).replace(tzinfo=UTC)
    except ValueError:
        return None
    # strptime also takes 2026.1.5, which nothing that writes the form would make.
    return moment if moment.strftime(form) == name else None
