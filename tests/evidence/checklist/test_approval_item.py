"""Item 10: an approver but not the author approved this version, commit and image, in whichever way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from checks.reader import Unreachable
from cluster.errors import ClusterError
from concerns.approval import ApprovalSettings
from evidence.approval.subject import Subject
from evidence.checklist.approval_item import Given, Way, approval, forge_way, recorded_way
from evidence.checklist.proof import Proof, State
from evidence.checklist.sign_off import SignOff
from evidence.forge.forge import ForgeError
from tests.evidence.checklist.candidates import VERSION, candidate, checklist_settings, is_open, release
from tests.evidence.checkouts import git
from tests.evidence.forge.github_stand_in import REPOSITORY, WEB, GitHubStandIn, Json, approved

AT = datetime(2031, 5, 14, 9, 30, tzinfo=UTC)
SOURCE = "ConfigMap release-manager-prod-approvals"
SETTINGS = ApprovalSettings(required=True, approvers=("ana", "release-manager", "A Developer", "ben"))
FORGE = {"repository": REPOSITORY, "environment": "production"}
DIGEST, OTHER = f"sha256:{'d' * 64}", f"sha256:{'e' * 64}"
HERE: Any = object()


def judged(
    checkout: Path,
    record: str | Exception | None = None,
    github: GitHubStandIn | None = None,
    *,
    digest: str = "",
    of_digest: str = "",
    commit: str = HERE,
    built: Callable[[], str] = lambda: "",
    settings: ApprovalSettings = SETTINGS,
    **forge: Any,
) -> Proof:
    """Return item 10 of the release with image `digest`; `record` approved `commit` and the image `of_digest`."""
    released(checkout)
    judged_one = candidate(checkout)
    sha = judged_one.revision.sha
    subject = Subject("prod", VERSION, sha, digest)

    def look() -> Given | None:
        if isinstance(record, Exception):
            raise record
        if record is None:
            return None
        return Given(SignOff(record, AT, SOURCE), sha if commit is HERE else commit, of_digest)

    ways: list[Way] = [recorded_way(judged_one, subject, settings, look)]
    if github is not None:
        wanted = checklist_settings(forge={**FORGE, **forge}).forge
        assert wanted is not None
        ways.append(forge_way(judged_one, subject, settings, github.forge(wanted), wanted))
    return approval(judged_one, subject, ways, built)()


def released(checkout: Path) -> None:
    if not (checkout / "releases").exists():
        release(checkout)


def on_forge(checkout: Path, *logins: str, comment: str = "", **changes: Any) -> GitHubStandIn:
    released(checkout)
    runs: dict[int, list[Json]] = {4: [{**approved(login), "comment": comment} for login in logins]}
    return GitHubStandIn({git(checkout, "rev-parse", "HEAD")}, runs=runs, **changes)


def test_a_recorded_approval_of_an_approver_is_proven_with_who_when_and_of_what(checkout: Path) -> None:
    found = judged(checkout, "release-manager")
    short = git(checkout, "rev-parse", "--short=7", "HEAD")
    assert (found.state, found.source) == (State.PROVEN, SOURCE)
    assert found.value == (
        f"{VERSION} was approved by release-manager at 2031-05-14 09:30:00 UTC, commit {short}, the image that the"
        " update builds from it"
    )


def test_without_an_approval_it_is_missing_with_who_may_and_the_command(checkout: Path) -> None:
    command = f"make approve STACK=prod RELEASE={VERSION} BY=<name>"
    found = judged(checkout)
    is_open(found, State.MISSING, f"release {VERSION} is not approved", command)
    assert "one of ana, release-manager, A Developer, ben, but not its author" in found.closes


def test_before_it_has_a_version_there_is_nothing_to_approve(checkout: Path) -> None:
    found = approval(candidate(checkout), Subject("prod", "", ""), [], lambda: "")()
    is_open(found, State.MISSING, "has no version yet", "see item 5, tag")


def test_an_approval_of_this_very_image_is_proven(checkout: Path) -> None:
    found = judged(checkout, "ana", digest=DIGEST, of_digest=DIGEST)
    assert found.state is State.PROVEN
    assert f"image {DIGEST[:19]}" in found.value


def test_an_approval_of_another_image_is_none(checkout: Path) -> None:
    found = judged(checkout, "ana", digest=DIGEST, of_digest=OTHER)
    told = f"the approval of ana is of image {OTHER[:19]}, and this is {DIGEST[:19]}"
    is_open(found, State.MISSING, told, "make approve STACK=prod")


def test_an_approval_of_an_image_that_is_gone_and_would_be_built_anew_is_none(checkout: Path) -> None:
    found = judged(checkout, "ana", of_digest=DIGEST)
    is_open(found, State.MISSING, f"is of image {DIGEST[:19]}, and the registry has it no more", "make approve")


@pytest.mark.parametrize(("commit", "told"), [("1" * 40, "of commit 1111111, and this is"), ("", "(none named)")])
def test_an_approval_of_another_commit_under_the_same_version_is_none(checkout: Path, commit: str, told: str) -> None:
    is_open(judged(checkout, "ana", commit=commit), State.MISSING, told, "make approve")


def test_an_approval_from_before_the_build_counts_for_what_was_built_under_it(checkout: Path) -> None:
    assert judged(checkout, "ana", digest=DIGEST, built=lambda: DIGEST).state is State.PROVEN


@pytest.mark.parametrize("built", ["", OTHER])
def test_for_an_image_of_unknown_origin_it_does_not(checkout: Path, built: str) -> None:
    found = judged(checkout, "ana", digest=DIGEST, built=lambda: built)
    is_open(found, State.MISSING, f"nothing says that {DIGEST[:19]} was built under it", "make approve")


def test_where_it_cannot_be_asked_what_was_built_it_is_not_taken_for_approved(checkout: Path) -> None:
    def down() -> str:
        raise Unreachable("the cluster gives no answer")

    with pytest.raises(Unreachable):
        judged(checkout, "ana", digest=DIGEST, built=down)


def test_somebody_who_is_no_approver_any_more_has_approved_nothing(checkout: Path) -> None:
    is_open(judged(checkout, "cy"), State.MISSING, "cy has approved it, and is no approver", "make approve")


@pytest.mark.parametrize("name", ["A Developer", "a developer"])
def test_the_author_does_not_approve_the_own_commit(checkout: Path, name: str) -> None:
    is_open(judged(checkout, name), State.MISSING, "is the author of the commit", "make approve")


@pytest.mark.parametrize("name", ["developer", "developer@example.com"])
def test_the_author_is_known_by_the_mail_address_too(checkout: Path, name: str) -> None:
    settings = ApprovalSettings(required=True, approvers=(name,))
    assert judged(checkout, name, settings=settings).state is State.MISSING


def test_the_author_is_known_by_the_names_that_the_settings_give(checkout: Path) -> None:
    settings = ApprovalSettings(
        required=True, approvers=("ana",), identities={"ana": ("ana-at-acme", "Developer@example.com")}
    )
    found = judged(checkout, "ana", settings=settings)
    is_open(found, State.MISSING, "is the author of the commit (as Developer@example.com)", "make approve")
    assert judged(checkout, None, on_forge(checkout, "ana-at-acme"), settings=settings).state is State.MISSING


def test_who_made_the_commit_of_somebody_else_is_an_author_as_well(checkout: Path) -> None:
    released(checkout)
    git(checkout, "commit", "-q", "--amend", "--no-edit", "--author", "Ben <ben@example.com>")
    git(checkout, "tag", "-f", "-a", "-m", "release", VERSION)
    assert judged(checkout, "ben").state is State.MISSING, "who wrote it"
    assert judged(checkout, "A Developer").state is State.MISSING, "who committed it"
    assert judged(checkout, "ana").state is State.PROVEN


def test_an_approval_of_the_forges_environment_is_proven(checkout: Path) -> None:
    found = judged(checkout, None, on_forge(checkout, "ana"))
    assert found.state is State.PROVEN
    assert found.value.startswith(f"{VERSION} was approved by ana, commit ")
    assert (found.source, found.link) == (f"GitHub {REPOSITORY}, environment production", f"{WEB}/actions/runs/4")


def test_on_the_forge_the_comment_names_the_image_once_there_is_one(checkout: Path) -> None:
    silent = judged(checkout, None, on_forge(checkout, "ana"), digest=DIGEST)
    is_open(silent, State.MISSING, "from before the image was built", f"with the comment {DIGEST}")
    named = on_forge(checkout, "ana", comment=f"well then: {DIGEST}")
    assert judged(checkout, None, named, digest=DIGEST).state is State.PROVEN
    assert judged(checkout, None, named, digest=OTHER).state is State.MISSING
    both = on_forge(checkout, "ana", comment=f"{DIGEST} or {OTHER}")
    assert judged(checkout, None, both, digest=DIGEST).state is State.MISSING


def test_the_forge_names_its_own_approvers(checkout: Path) -> None:
    assert judged(checkout, None, on_forge(checkout, "dee")).state is State.MISSING
    assert judged(checkout, None, on_forge(checkout, "dee"), approvers=["dee"]).state is State.PROVEN
    assert judged(checkout, None, on_forge(checkout, "ana"), approvers=["dee"]).state is State.MISSING


def test_on_the_forge_the_author_is_known_by_the_login(checkout: Path) -> None:
    found = judged(checkout, None, on_forge(checkout, "Ben", author="ben"))
    is_open(found, State.MISSING, "Ben has approved it, and is the author", "approves environment production of")
    assert judged(checkout, None, on_forge(checkout, "Ben", author=None)).state is State.PROVEN


def test_one_approval_that_counts_is_enough(checkout: Path) -> None:
    assert judged(checkout, "cy", on_forge(checkout, "dee", "ana")).state is State.PROVEN
    assert judged(checkout, "ana", on_forge(checkout, "dee")).source == SOURCE


@pytest.mark.parametrize("error", [Unreachable("the cluster gives no answer"), ClusterError("damaged")])
def test_a_record_that_cannot_be_read_is_no_missing_approval(checkout: Path, error: Exception) -> None:
    with pytest.raises(type(error)):
        judged(checkout, error)
    assert judged(checkout, error, on_forge(checkout, "ana")).state is State.PROVEN, "the other one is enough"


def test_a_forge_that_is_down_is_told_unless_the_record_is_enough(checkout: Path) -> None:
    github = on_forge(checkout, fails={"actions/runs": httpx.ConnectError("")})
    with pytest.raises(ForgeError):
        judged(checkout, None, github)
    with pytest.raises(ForgeError):
        judged(checkout, "cy", github)
    assert judged(checkout, "ana", github).state is State.PROVEN
