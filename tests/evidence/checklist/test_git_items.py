"""Items 1 and 5: merged to main as fetched last, and one annotated tag, signed where that is asked for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from concerns.release import ReleaseSettings
from evidence.checklist.git_items import merged, tag
from evidence.checklist.proof import Proof, State
from evidence.git import GitError
from tests.evidence.checklist.candidates import (
    FORM,
    TAGGED,
    VERSION,
    candidate,
    change,
    checklist_settings,
    is_open,
    push,
)
from tests.evidence.checkouts import commit, git


def main_of(checkout: Path, **settings: str) -> Proof:
    return merged(candidate(checkout), checklist_settings(**settings))()


def tag_of(checkout: Path, wanted: ReleaseSettings = TAGGED, *, signed: bool = False) -> Proof:
    return tag(candidate(checkout), checklist_settings(signed_tags=signed), wanted)()


def test_a_commit_of_main_is_proven_whatever_came_after_it(checkout: Path) -> None:
    push(checkout)
    first = main_of(checkout)
    assert first.state is State.PROVEN
    assert first.value.endswith("is part of origin/main")
    released = git(checkout, "rev-parse", "HEAD")
    change(checkout, "later.txt", "1\n")
    git(checkout, "push", "-q")
    git(checkout, "checkout", "-q", released)
    later = main_of(checkout)
    assert later.value == first.value, "what main has since then is no part of the inputs"
    assert later.seen != first.seen


def test_a_commit_that_is_pushed_elsewhere_only_is_missing(checkout: Path) -> None:
    push(checkout)
    git(checkout, "checkout", "-q", "-b", "topic")
    change(checkout, "new.txt", "1\n")
    git(checkout, "push", "-q", "origin", "topic")
    is_open(main_of(checkout), State.MISSING, "is not part of origin/main", "pull request, then: git fetch origin main")


def test_what_was_merged_but_not_fetched_is_not_known_here_as_nothing_is_fetched(checkout: Path) -> None:
    push(checkout)
    git(checkout, "checkout", "-q", "-b", "topic")
    change(checkout, "new.txt", "1\n")
    # Straight to the remote, as somebody else's merge would get there.
    git(checkout, "push", "-q", str(checkout.parent / f"{checkout.name}-origin.git"), "topic:main")
    assert main_of(checkout).state is State.MISSING
    git(checkout, "fetch", "-q", "origin", "main")
    assert main_of(checkout).state is State.PROVEN


def test_without_the_branch_it_is_unknown_with_the_command(checkout: Path) -> None:
    push(checkout)
    found = main_of(checkout, main_branch="trunk")
    is_open(found, State.UNKNOWN, "this clone has no origin/trunk", "git fetch origin trunk")


def test_a_branch_whose_name_only_begins_like_main_is_not_main(checkout: Path) -> None:
    push(checkout)
    git(checkout, "push", "-q", "origin", "main:main2")
    git(checkout, "update-ref", "-d", "refs/remotes/origin/main")
    assert main_of(checkout).state is State.UNKNOWN


def test_a_shallow_clone_does_not_know(checkout: Path) -> None:
    push(checkout)
    old = git(checkout, "rev-parse", "HEAD")
    change(checkout, "later.txt", "1\n")
    git(checkout, "push", "-q", "origin", "HEAD", f"{old}:refs/heads/release")
    clone = checkout.parent / f"{checkout.name}-shallow"
    url = f"file://{checkout.parent}/{checkout.name}-origin.git"
    git(checkout.parent, "clone", "-q", "--depth=1", "--no-single-branch", "--branch=release", url, str(clone))
    is_open(main_of(clone), State.UNKNOWN, "lacks the history", "git fetch --unshallow origin")


def test_without_a_remote_it_is_missing(checkout: Path) -> None:
    is_open(main_of(checkout), State.MISSING, "no remote", "git remote add origin <url>")


def test_a_changed_work_tree_is_not_what_was_merged(checkout: Path) -> None:
    push(checkout)
    (checkout / "app" / "main.py").write_text("print(2)\n")
    is_open(main_of(checkout), State.MISSING, "is not as commit", "git stash")


def test_an_annotated_tag_of_the_form_is_proven(checkout: Path) -> None:
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    found = tag_of(checkout)
    assert (found.state, found.value.split(" is on ")[0]) == (State.PROVEN, f"annotated tag {VERSION}")


@pytest.mark.parametrize("arguments", [[], ["tag", VERSION], ["tag", "-a", "-m", "x", "v1.2.3"]])
def test_no_tag_a_lightweight_one_and_one_of_another_form_are_missing(checkout: Path, arguments: list[str]) -> None:
    if arguments:
        git(checkout, *arguments)
    is_open(tag_of(checkout), State.MISSING, "annotated tag", "git tag ")


def test_all_that_is_wrong_is_told_with_its_mend(checkout: Path) -> None:
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    found = tag_of(checkout, ReleaseSettings(tag=FORM, branch="release/v%Y.%m.%d"))
    is_open(found, State.MISSING, f"must lie on branch release/{VERSION}", f"git branch release/{VERSION} HEAD")
    assert "\n" not in found.value + found.closes


def test_where_no_tag_names_a_release_the_setting_is_missing(checkout: Path) -> None:
    is_open(tag_of(checkout, ReleaseSettings()), State.MISSING, "release.tag is not set", "set release.tag")


def test_where_git_does_not_answer_it_is_not_taken_for_missing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prove = tag(candidate(checkout), checklist_settings(), TAGGED)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitError, match="git is not on PATH"):
        prove()


@pytest.fixture
def signing(checkout: Path) -> Path:
    """Return the checkout with a key to sign with; who may sign is in `signers`."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    key = checkout.parent / f"{checkout.name}-key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = Path(f"{key}.pub").read_text().split()
    (checkout.parent / f"{checkout.name}-signers").write_text(f"developer@example.com {public[0]} {public[1]}\n")
    for name, value in {"gpg.format": "ssh", "user.signingKey": f"{key}.pub"}.items():
        git(checkout, "config", name, value)
    return checkout


def trusts(checkout: Path) -> None:
    git(checkout, "config", "gpg.ssh.allowedSignersFile", str(checkout.parent / f"{checkout.name}-signers"))


def test_a_tag_with_a_verified_signature_is_proven(signing: Path) -> None:
    git(signing, "tag", "-s", "-m", "release", VERSION)
    trusts(signing)
    found = tag_of(signing, signed=True)
    assert found.state is State.PROVEN
    assert found.value.endswith("and its signature is verified")


def test_a_tag_without_the_signature_that_is_asked_for_is_missing(signing: Path) -> None:
    git(signing, "tag", "-a", "-m", "release", VERSION)
    assert tag_of(signing).state is State.PROVEN
    is_open(tag_of(signing, signed=True), State.MISSING, "is not signed", f"git tag -s -f -m release {VERSION}")


def test_a_signature_that_cannot_be_verified_here_is_unknown(signing: Path) -> None:
    git(signing, "tag", "-s", "-m", "release", VERSION)
    is_open(tag_of(signing, signed=True), State.UNKNOWN, "is not verified here", f"git verify-tag {VERSION}")


def test_a_signature_by_somebody_who_may_not_sign_is_no_proof(signing: Path) -> None:
    git(signing, "tag", "-s", "-m", "release", VERSION)
    trusts(signing)
    (signing.parent / f"{signing.name}-signers").write_text("")
    assert not tag_of(signing, signed=True).state.closed


def test_a_tag_of_an_earlier_commit_does_not_count(checkout: Path) -> None:
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    commit(checkout)
    assert tag_of(checkout).state is State.MISSING
