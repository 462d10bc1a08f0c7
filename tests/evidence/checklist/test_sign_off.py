"""Items 10 and 14: an approver but not the author approved this version; for a critical one the team stands by."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from checks.reader import Unreachable
from cluster.errors import ClusterError
from evidence.checklist.proof import Proof, State
from evidence.checklist.sign_off import SignOff, approval, nobody, response_team
from evidence.forge.forge import ForgeError
from tests.evidence.checklist.candidates import (
    VERSION,
    candidate,
    checklist_settings,
    is_open,
    push,
    release,
    release_file,
)
from tests.evidence.checkouts import git
from tests.evidence.forge.github_stand_in import REPOSITORY, WEB, GitHubStandIn, Json, approved, pull

AT = datetime(2031, 5, 14, 9, 30, tzinfo=UTC)
SOURCE = "ConfigMap release-manager-prod-approvals"
APPROVERS = ("ana", "release-manager", "A Developer", "ben")
FORGE = {"repository": REPOSITORY, "environment": "production"}


def recorded(by: str) -> SignOff:
    return SignOff(by, AT, SOURCE)


def judged(
    checkout: Path,
    record: SignOff | Exception | None = None,
    github: GitHubStandIn | None = None,
    **forge: Any,
) -> Proof:
    released(checkout)

    def look() -> SignOff | None:
        if isinstance(record, Exception):
            raise record
        return record

    settings = checklist_settings(**({} if github is None else {"forge": {**FORGE, **forge}}))
    asked = None if github is None else github.forge(settings.forge)
    return approval(candidate(checkout), settings, asked, approvers=APPROVERS, recorded=look)()


def released(checkout: Path) -> None:
    if not (checkout / "releases").exists():
        release(checkout)


def on_forge(checkout: Path, *logins: str, **changes: Any) -> GitHubStandIn:
    released(checkout)
    runs: dict[int, list[Json]] = {4: [approved(login) for login in logins]}
    return GitHubStandIn({git(checkout, "rev-parse", "HEAD")}, runs=runs, **changes)


def test_a_recorded_approval_of_an_approver_is_proven_with_who_and_when(checkout: Path) -> None:
    found = judged(checkout, recorded("release-manager"))
    assert (found.state, found.source) == (State.PROVEN, SOURCE)
    assert found.value == f"{VERSION} was approved by release-manager at 2031-05-14 09:30:00 UTC"


def test_without_an_approval_it_is_missing_with_who_may_and_the_command(checkout: Path) -> None:
    command = f"make approve STACK=prod RELEASE={VERSION} BY=<name>"
    is_open(judged(checkout), State.MISSING, f"release {VERSION} is not approved", command)
    assert "one of ana, release-manager, A Developer, ben, but not its author" in judged(checkout).closes


def test_before_it_has_a_version_there_is_nothing_to_approve(checkout: Path) -> None:
    prove = approval(
        candidate(checkout), checklist_settings(), None, approvers=["ana"], recorded=lambda: recorded("ana")
    )
    is_open(prove(), State.MISSING, "has no version yet", "see item 5, tag")


def test_somebody_who_is_no_approver_any_more_has_approved_nothing(checkout: Path) -> None:
    is_open(judged(checkout, recorded("cy")), State.MISSING, "cy has approved it, and is no approver", "make approve")


@pytest.mark.parametrize("name", ["A Developer", "a developer"])
def test_the_author_does_not_approve_the_own_commit(checkout: Path, name: str) -> None:
    is_open(judged(checkout, recorded(name)), State.MISSING, "is the author of the commit", "make approve")


@pytest.mark.parametrize("name", ["developer", "developer@example.com"])
def test_the_author_is_known_by_the_mail_address_too(checkout: Path, name: str) -> None:
    release(checkout)
    prove = approval(candidate(checkout), checklist_settings(), None, approvers=[name], recorded=lambda: recorded(name))
    assert prove().state is State.MISSING


def test_an_approval_of_the_forges_environment_is_proven(checkout: Path) -> None:
    found = judged(checkout, None, on_forge(checkout, "ana"))
    assert (found.state, found.value) == (State.PROVEN, f"{VERSION} was approved by ana")
    assert (found.source, found.link) == (f"GitHub {REPOSITORY}, environment production", f"{WEB}/actions/runs/4")


def test_the_forge_names_its_own_approvers(checkout: Path) -> None:
    assert judged(checkout, None, on_forge(checkout, "dee")).state is State.MISSING
    assert judged(checkout, None, on_forge(checkout, "dee"), approvers=["dee"]).state is State.PROVEN
    assert judged(checkout, None, on_forge(checkout, "ana"), approvers=["dee"]).state is State.MISSING


def test_on_the_forge_the_author_is_known_by_the_login(checkout: Path) -> None:
    found = judged(checkout, None, on_forge(checkout, "Ben", author="ben"))
    is_open(found, State.MISSING, "Ben has approved it, and is the author", "or approves environment production of")
    assert judged(checkout, None, on_forge(checkout, "Ben", author=None)).state is State.PROVEN


def test_one_approval_that_counts_is_enough(checkout: Path) -> None:
    assert judged(checkout, recorded("cy"), on_forge(checkout, "dee", "ana")).state is State.PROVEN
    assert judged(checkout, recorded("ana"), on_forge(checkout, "dee")).source == SOURCE


def test_without_an_environment_the_forge_is_not_asked(checkout: Path) -> None:
    github = on_forge(checkout, "ana")
    assert judged(checkout, None, github, environment=None).state is State.MISSING
    assert github.asked == []


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
        judged(checkout, recorded("cy"), github)
    assert judged(checkout, recorded("ana"), github).state is State.PROVEN


def team(
    checkout: Path,
    found: SignOff | None = None,
    github: GitHubStandIn | None = None,
    text: str | None = None,
    **settings: Any,
) -> Proof:
    release(checkout, text)
    forge = None if github is None else github.forge()
    return response_team(candidate(checkout), checklist_settings(**settings), forge, lambda: found)()


def test_a_release_that_is_not_critical_needs_nobody(checkout: Path) -> None:
    found = team(checkout)
    assert (found.state, found.value) == (State.PROVEN, "not a critical release")
    assert found.source == f"releases/{VERSION}.md"


def test_for_a_critical_release_somebody_has_to_say_that_the_team_stands_by(checkout: Path) -> None:
    text = release_file(critical=True)
    is_open(team(checkout, text=text), State.MISSING, "nobody said that the team stands by", "item response-team, by")
    found = team(checkout, SignOff("cy", AT, "Slack"), text=text)
    assert (found.state, found.value) == (State.PROVEN, "stands by: cy at 2031-05-14 09:30:00 UTC")


def test_the_settings_can_make_every_release_critical(checkout: Path) -> None:
    assert team(checkout, critical=True).state is State.MISSING
    assert team(checkout, critical=True).source == "checklist.critical"


def test_a_label_makes_a_release_critical_whatever_its_file_says(checkout: Path) -> None:
    release(checkout)
    sha = git(checkout, "rev-parse", "HEAD")
    github = GitHubStandIn({sha}, pulls=[pull(labels=[{"name": "Critical"}])])
    push(checkout)
    found = response_team(
        candidate(checkout), checklist_settings(critical_labels=["critical"]), github.forge(), nobody
    )()
    assert (found.state, found.source) == (State.MISSING, "label of pull request 12")
    other = GitHubStandIn({sha}, pulls=[pull(labels=[{"name": "small"}])])
    prove = response_team(candidate(checkout), checklist_settings(critical_labels=["critical"]), other.forge(), nobody)
    assert prove().state is State.PROVEN


def test_labels_that_cannot_be_read_are_not_taken_for_none(checkout: Path) -> None:
    release(checkout)
    github = GitHubStandIn(fails={"/pulls": httpx.Response(500)})
    with pytest.raises(ForgeError):
        response_team(candidate(checkout), checklist_settings(critical_labels=["critical"]), github.forge(), nobody)()


def test_where_nobody_says_whether_it_is_critical_it_is_not_taken_for_harmless(checkout: Path) -> None:
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    found = response_team(candidate(checkout), checklist_settings(), None, nobody)()
    is_open(found, State.MISSING, "nobody says whether the release is critical", "write it")
