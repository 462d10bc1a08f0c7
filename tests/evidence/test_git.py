"""The version of a release names exactly what is built, committed or not, and never carries a credential."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evidence.git import GitError, read_revision
from tests.evidence.checkouts import git


def changes(checkout: Path) -> str:
    return read_revision(checkout / "app").changes


def test_a_clean_checkout_is_named_by_its_commit_alone(checkout: Path) -> None:
    revision = read_revision(checkout / "app")
    assert revision.sha == git(checkout, "rev-parse", "HEAD")
    assert revision.short == revision.sha[:7]
    assert revision.committed_at == git(checkout, "log", "-1", "--format=%cI")
    assert revision.source == ""
    assert revision.changes == ""
    assert revision.tag("staging") == f"staging-{revision.sha[:7]}"
    assert revision.version("staging") == revision.tag("staging"), "no tag makes it a release"


def test_a_change_that_is_not_committed_gets_a_name_of_its_own(checkout: Path) -> None:
    clean = read_revision(checkout / "app").tag("dev")
    (checkout / "app" / "main.py").write_text("print(2)\n")
    tag = read_revision(checkout / "app").tag("dev")
    assert re.fullmatch(re.escape(clean) + "-[0-9a-f]{8}", tag)
    assert len(tag) <= 63, "a tag is also the value of a label"


def test_each_content_has_its_own_name_and_the_same_content_the_same(checkout: Path) -> None:
    seen = [changes(checkout)]
    for text in ("print(2)\n", "print(3)\n"):
        (checkout / "app" / "main.py").write_text(text)
        seen.append(changes(checkout))
    assert len(set(seen)) == 3
    (checkout / "app" / "main.py").write_text("print(2)\n")
    assert changes(checkout) == seen[1]
    (checkout / "app" / "main.py").write_text("print(1)\n")
    assert changes(checkout) == ""


def test_a_new_file_counts_and_an_ignored_one_does_not(checkout: Path) -> None:
    (checkout / "app" / "trace.log").write_text("x")
    assert changes(checkout) == ""
    (checkout / "app" / "package").mkdir()
    (checkout / "app" / "package" / "new.py").write_text("one")
    first = changes(checkout)
    (checkout / "app" / "package" / "new.py").write_text("two")
    assert "" != first != changes(checkout) != ""


def test_a_renamed_a_deleted_and_an_executable_file_count(checkout: Path) -> None:
    seen = set()
    (checkout / "app" / "main.py").chmod(0o755)
    seen.add(changes(checkout))
    (checkout / "app" / "main.py").rename(checkout / "app" / "other.py")
    seen.add(changes(checkout))
    (checkout / "app" / "other.py").unlink()
    seen.add(changes(checkout))
    assert len(seen) == 3
    assert "" not in seen


def test_a_new_file_that_becomes_executable_counts(checkout: Path) -> None:
    (checkout / "app" / "run.sh").write_text("#!/bin/sh\n")
    before = changes(checkout)
    (checkout / "app" / "run.sh").chmod(0o755)
    assert changes(checkout) != before


def test_a_staged_change_counts(checkout: Path) -> None:
    (checkout / "app" / "main.py").write_text("print(2)\n")
    git(checkout, "add", "-A")
    assert changes(checkout) != ""


def test_a_file_with_any_name_counts(checkout: Path) -> None:
    seen = []
    for text in ("2\n", "3\n"):
        (checkout / "app" / "größe.txt").write_text(text)
        seen.append(changes(checkout))
    assert "" != seen[0] != seen[1] != ""


def test_what_is_not_built_does_not_count(checkout: Path) -> None:
    (checkout / "README").write_text("another\n")
    (checkout / "beside.txt").write_text("new\n")
    assert changes(checkout) == ""


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r.git"),
        ("https://user:t0k3n@github.com/o/r.git", "https://github.com/o/r.git"),
        ("https://t0k3n@github.com/o/r.git", "https://github.com/o/r.git"),
        ("https://user:p@ss@github.com/o/r.git", "https://github.com/o/r.git"),
        ("https://github.com/o/r@v1.git", "https://github.com/o/r@v1.git"),
        ("ssh://git@github.com/o/r.git", "ssh://github.com/o/r.git"),
        ("git@github.com:o/r.git", "git@github.com:o/r.git"),
    ],
)
def test_the_source_carries_no_credential(checkout: Path, url: str, source: str) -> None:
    git(checkout, "remote", "add", "origin", url)
    assert read_revision(checkout / "app").source == source


def test_the_source_is_origin_where_there_are_several_remotes(checkout: Path) -> None:
    git(checkout, "remote", "add", "a-fork", "https://github.com/fork/r.git")
    git(checkout, "remote", "add", "origin", "https://github.com/o/r.git")
    assert read_revision(checkout / "app").source == "https://github.com/o/r.git"


def test_without_a_repository_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"git knows no commit for .*not a git repository.*git init && git add -A"):
        read_revision(tmp_path)


def test_without_a_commit_it_says_how_to_make_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    with pytest.raises(GitError, match=r"does not have any commits yet.*git commit"):
        read_revision(tmp_path)


def test_a_checkout_of_somebody_else_is_told_apart_with_the_advice_of_git(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitError, match=r"dubious ownership.*; git config --global --add safe\.directory"):
        read_revision(checkout / "app")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="missing"):
        read_revision(tmp_path / "missing")


def test_without_git_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not on PATH; install it: apt-get install git"):
        read_revision(tmp_path)
