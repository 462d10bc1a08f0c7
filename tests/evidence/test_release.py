"""A commit is released only under one annotated tag of the right form, and only as others can see it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from concerns.release import ReleaseSettings
from evidence.git import GitError, Revision
from evidence.release import read_release
from tests.evidence.checkouts import commit, git

STAGING, PROD, BRANCH = "v%Y.%m.%d.%H%M%S", "v%Y.%m.%d", "release/v%Y.%m.%d"
TAG, DAY = "v2026.11.23.101112", "v2026.11.23"


@pytest.fixture
def pushed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkout with its commit pushed to a bare remote."""
    origin = tmp_path_factory.mktemp("remote") / "origin.git"
    git(checkout, "init", "-q", "--bare", "-b", "main", str(origin))
    git(checkout, "remote", "add", "origin", str(origin))
    git(checkout, "push", "-q", "-u", "origin", "main")
    return checkout


def released(checkout: Path, **wanted: Any) -> Revision:
    return read_release(checkout / "app", ReleaseSettings(**wanted))


def refused(checkout: Path, **wanted: Any) -> str:
    with pytest.raises(GitError) as caught:
        released(checkout, **wanted)
    return str(caught.value)


def annotate(checkout: Path, *names: str) -> None:
    for name in names:
        git(checkout, "tag", "-a", "-m", "release", name)


def mend(checkout: Path, text: str) -> None:
    """Run the command that a message names, as a person would copy it."""
    commands = text.rpartition("; ")[2]
    who = {"author.name": "A", "author.email": "a@example.com"} | {"user.name": "A", "user.email": "a@example.com"}
    for key, value in who.items():
        git(checkout, "config", key, value)
    git(checkout, "-c", f"alias.mend=!{commands}", "mend")


def test_without_a_wish_every_commit_is_as_it_is(checkout: Path) -> None:
    (checkout / "README").write_text("changed\n")
    revision = released(checkout)
    assert revision.release == ""
    assert revision.version("dev") == f"dev-{revision.short}"


def test_the_annotated_tag_of_the_form_is_the_version_and_the_image_keeps_its_own_tag(checkout: Path) -> None:
    annotate(checkout, TAG)
    revision = released(checkout, tag=STAGING)
    assert revision.version("staging") == TAG
    assert revision.tag("staging") == f"staging-{revision.short}"


def test_the_tags_of_two_environments_stand_on_one_commit(checkout: Path) -> None:
    annotate(checkout, TAG, DAY, "nightly")
    assert released(checkout, tag=STAGING).release == TAG
    assert released(checkout, tag=PROD).release == DAY


def test_without_a_tag_it_says_which_is_needed_and_its_command_makes_it(pushed: Path) -> None:
    text = refused(pushed, tag=STAGING)
    assert re.search(r"commit [0-9a-f]{7} has no tag, and a release needs an annotated tag of the form v%Y", text)
    assert "\n" not in text
    mend(pushed, text)
    assert re.fullmatch(r"v\d{4}\.\d\d\.\d\d\.\d{6}", released(pushed, tag=STAGING).release)
    assert git(pushed, "ls-remote", "--tags", "origin"), "the command pushes the tag too"


def test_the_tag_of_an_earlier_commit_does_not_count(checkout: Path) -> None:
    annotate(checkout, TAG)
    commit(checkout)
    assert "has no tag" in refused(checkout, tag=STAGING)


def test_a_lightweight_tag_does_not_count_and_the_message_says_so(pushed: Path) -> None:
    git(pushed, "tag", TAG)
    text = refused(pushed, tag=STAGING)
    assert f"tag {TAG} of commit" in text
    assert "is lightweight, and only an annotated tag is a release" in text
    mend(pushed, text)
    assert released(pushed, tag=STAGING).release == TAG


@pytest.mark.parametrize("name", [DAY, "v1.2.3", "v2026.1.5.101112", "v2026.11.23.1010", "v2026.13.23.101112"])
def test_a_tag_of_another_form_is_named_beside_the_form(checkout: Path, name: str) -> None:
    annotate(checkout, name)
    text = refused(checkout, tag=STAGING)
    assert f"has the tag {name}, and a release needs an annotated tag of the form {STAGING}; git tag -a" in text


def test_several_tags_of_the_form_are_all_named(checkout: Path) -> None:
    later = "v2026.11.24.101112"
    annotate(checkout, TAG, later)
    text = refused(checkout, tag=STAGING)
    assert f"has 2 tags of the form {STAGING} ({TAG}, {later})" in text
    assert "git tag -d <tag>" in text


def test_a_tag_lies_on_the_branch_of_its_own_day(checkout: Path) -> None:
    annotate(checkout, DAY)
    git(checkout, "branch", f"release/{DAY}")
    assert released(checkout, tag=PROD, branch=BRANCH).release == DAY


def test_a_branch_that_only_the_remote_has_counts(pushed: Path) -> None:
    annotate(pushed, DAY)
    git(pushed, "push", "-q", "origin", f"HEAD:refs/heads/release/{DAY}")
    git(pushed, "fetch", "-q")
    assert released(pushed, tag=PROD, branch=BRANCH).release == DAY


@pytest.mark.parametrize("other", ["release/v2026.11.24", "release", "main2", f"x/release/{DAY}"])
def test_another_branch_does_not_count_and_the_command_makes_the_right_one(pushed: Path, other: str) -> None:
    annotate(pushed, DAY)
    git(pushed, "branch", other)
    text = refused(pushed, tag=PROD, branch=BRANCH if other != "release" else "rel/v%Y.%m.%d")
    assert re.search(rf"tag {DAY} must lie on branch rel(ease)?/{DAY}, which does not exist here; git branch", text)
    if other != "release":
        mend(pushed, text)
        assert released(pushed, tag=PROD, branch=BRANCH).release == DAY


def test_a_branch_that_does_not_have_the_commit_is_told_apart_from_none(pushed: Path) -> None:
    git(pushed, "push", "-q", "origin", f"HEAD:refs/heads/release/{DAY}")
    git(pushed, "branch", f"release/{DAY}")
    commit(pushed)
    annotate(pushed, DAY)
    text = refused(pushed, tag=PROD, branch=BRANCH)
    assert f"must lie on branch release/{DAY}, which does not have commit" in text
    mend(pushed, text)
    assert released(pushed, tag=PROD, branch=BRANCH).release == DAY


def test_what_is_pushed_and_as_committed_is_released(pushed: Path) -> None:
    (pushed / "trace.log").write_text("ignored by git")
    assert released(pushed, pushed=True).changes == ""


def test_a_change_anywhere_in_the_work_tree_is_refused_with_its_files(pushed: Path) -> None:
    (pushed / "README").write_text("changed\n")
    text = refused(pushed, pushed=True)
    assert "the work tree is not as committed (README), and only what is committed is released" in text
    assert "git stash --include-untracked" in text


def test_up_to_three_files_are_named(pushed: Path) -> None:
    git(pushed, "mv", "README", "READ ME")
    (pushed / "app" / "größe.txt").unlink()
    (pushed / "app" / "main.py").write_text("print(2)\n")
    assert "(READ ME, app/größe.txt, app/main.py)" in refused(pushed, pushed=True)
    for name in ("x", "y"):
        (pushed / name).write_text("new\n")
    text = refused(pushed, pushed=True)
    assert " and 2 more)" in text
    assert "(x, y" not in text


def test_a_commit_that_no_remote_branch_has_is_refused_and_the_command_pushes_it(pushed: Path) -> None:
    commit(pushed)
    text = refused(pushed, pushed=True)
    assert "is not pushed: no remote branch has it; git push origin HEAD" in text
    git(pushed, "push", "-q", "origin", "HEAD")
    assert released(pushed, pushed=True)


def test_without_a_remote_nothing_is_pushed(checkout: Path) -> None:
    assert "as the repository has no remote; git remote add origin <url>" in refused(checkout, pushed=True)


def test_a_pushed_tag_alone_is_not_a_pushed_commit(pushed: Path) -> None:
    commit(pushed)
    annotate(pushed, TAG)
    git(pushed, "push", "-q", "origin", TAG)
    assert "no remote branch has it" in refused(pushed, pushed=True, tag=STAGING)


def test_everything_that_is_wrong_is_told_at_once(pushed: Path) -> None:
    commit(pushed)
    (pushed / "README").write_text("changed\n")
    text = refused(pushed, pushed=True, tag=PROD, branch=BRANCH)
    first, *lines = text.splitlines()
    assert re.fullmatch(r"3 things keep commit [0-9a-f]{7} from being released:", first)
    assert [line.strip().split(" ")[0] for line in lines] == ["the", "commit", "commit"]
    for part in ("not as committed", "not pushed", "has no tag"):
        assert part in text
