"""What an image is built from, as git has it: the same directory for a commit, whatever lies in the work tree."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from evidence.errors import EvidenceError
from evidence.git import SHORT, GitError, git

# Below the project, as the path is part of what the engine compares: it is the same in every checkout.
EXPORTS = Path(".release")
# Enough for a release and what was built before it, in several stacks, by several runs at once.
KEPT = 8
_EXPORTED = re.compile(rf"{re.escape(str(EXPORTS))}/(?P<sha>[0-9a-f]{{40,64}})(?:/(?P<inner>.+))?")
_SUBMODULE = "160000 "


class BuildContextError(EvidenceError):
    """What an image is built from cannot be read or written; the text names the mend."""


def context_of(directory: Path, sha: str) -> Path | None:
    """Return a directory with what commit `sha` has in `directory`, with the same path, content and modes each time.

    It lies in `.release/<commit>` below the current directory, which keeps itself out of git. Files that git ignores
    are not in it; what git does to files when it checks them out (line ends, large files) is done to them.
    None where git alone does not have all of it: it holds a submodule, or a link that leads out of it. Raises
    BuildContextError, also where this clone does not have the commit: nothing is fetched.
    """
    try:
        return _exported(directory, sha, git(directory, "rev-parse", "--show-prefix").rstrip("/"))
    except GitError as error:
        raise BuildContextError(
            f"git cannot write what commit {sha[:SHORT]} has in {directory} ({error.reason});"
            f" see why: git -C {directory} checkout HEAD -- ."
        ) from error


def context_again(directory: Path, recorded: str) -> Path | None:
    """Return the directory behind path `recorded`, which an image was built from before, or None where it is lost.

    One of `context_of` is made again where the clone that `directory` lies in has its commit. Nothing is fetched.
    """
    exported = _EXPORTED.fullmatch(recorded)
    if exported is None:
        return Path(recorded) if Path(recorded, "Dockerfile").is_file() else None
    try:
        return _exported(directory, exported["sha"], exported["inner"] or "")
    except (GitError, BuildContextError):
        return None


def content_of(directory: Path) -> str:
    """Return a hash of the names, modes and contents of everything below. Raises BuildContextError."""
    digest = hashlib.sha256()
    for file in sorted(directory.rglob("*")):
        status = file.lstat()
        digest.update(f"{file.relative_to(directory)}\0{status.st_mode}\0".encode())
        if file.is_symlink():
            digest.update(str(file.readlink()).encode())
        elif file.is_file():
            try:
                digest.update(hashlib.sha256(file.read_bytes()).digest())
            except OSError as error:
                reason = f"{file}, which is part of the image, cannot be read ({error.strerror}); chmod u+r {file}"
                raise BuildContextError(reason) from None
    return digest.hexdigest()


def _exported(directory: Path, sha: str, inner: str) -> Path | None:
    listed = git(directory, "ls-tree", "-r", "-z", "--full-tree", sha, "--", *([f"{inner}/"] if inner else []))
    entries = listed.split("\0")
    if not listed or any(entry.startswith(_SUBMODULE) for entry in entries):
        return None
    target = EXPORTS / sha / inner
    try:
        EXPORTS.mkdir(exist_ok=True)
        (EXPORTS / ".gitignore").write_text("*\n", encoding="utf-8")
        with TemporaryDirectory(prefix="new-", dir=EXPORTS, ignore_cleanup_errors=True) as scratch:
            made = _checked_out(directory, sha, inner, Path(scratch))
            if _leads_out(made):
                return None
            _set_modes(made)
            _put(made, target, Path(scratch))
            os.utime(EXPORTS / sha)
            _take_old_ones_away(Path(scratch))
    except OSError as error:
        raise BuildContextError(
            f"{target}, from which the image is built, cannot be written ({error.strerror}); see 'df {Path.cwd()}'"
            f" and 'ls -ld {EXPORTS}'"
        ) from error
    return target


def _checked_out(directory: Path, sha: str, inner: str, scratch: Path) -> Path:
    """Return what git checks out, by an index and a work tree of their own.

    Not by `git archive`, which leaves out and rewrites what attributes tell it to, and a checkout has all of.
    """
    tree = scratch.resolve() / "tree"
    tree.mkdir()
    own_index = {"GIT_INDEX_FILE": str(scratch.resolve() / "index")}
    git(directory, "read-tree", "--no-sparse-checkout", sha, variables=own_index)
    command = (f"--work-tree={tree}", "-c", f"core.hooksPath={os.devnull}", "checkout", "--quiet")
    git(directory, *command, "--", f":(top,literal){inner}" if inner else ":/", variables=own_index)
    return tree / inner


def _leads_out(made: Path) -> bool:
    links = (file for file in made.rglob("*") if file.is_symlink())
    return any(not Path(os.path.realpath(link)).is_relative_to(made) for link in links)


def _set_modes(made: Path) -> None:
    # Git knows only whether a file can be executed; the rest is this machine's, and would be in the image.
    for file in (made, *made.rglob("*")):
        if not file.is_symlink():
            file.chmod(0o755 if file.is_dir() or file.stat().st_mode & stat.S_IXUSR else 0o644)


def _put(made: Path, target: Path, scratch: Path) -> None:
    """Have `made` stand at `target` in one step, so that a run beside this one never finds half of it."""
    if target.is_dir():
        if content_of(target) == content_of(made):
            return
        # Somebody has changed it, and only what is committed is released.
        target.rename(scratch / "changed")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _take_old_ones_away(scratch: Path) -> None:
    found: list[tuple[float, Path]] = []
    for each in EXPORTS.iterdir():
        # Another run may take the same one away.
        with suppress(FileNotFoundError):
            if each.is_dir() and each.name != scratch.name:
                found.append((each.stat().st_mtime, each))
    for _, old in sorted(found, reverse=True)[KEPT:]:
        with suppress(OSError):
            old.rename(scratch / f"old-{old.name}")
            shutil.rmtree(scratch / f"old-{old.name}", ignore_errors=True)
