"""Item 3: somebody other than the author approved the last commit of the pull request, and nobody wants changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from evidence.checklist.proof import Proof, State
from evidence.checklist.review_item import review
from evidence.forge.forge import ForgeError
from tests.evidence.checklist.candidates import candidate, checklist_settings, is_open
from tests.evidence.checkouts import git
from tests.evidence.forge.github_stand_in import WEB, GitHubStandIn, Json, judged, pull


def reviewed(checkout: Path, *reviews: Json, pulls: list[Json] | None = None, **settings: Any) -> Proof:
    sha = git(checkout, "rev-parse", "HEAD")
    github = GitHubStandIn({sha}, pulls=[pull()] if pulls is None else pulls, reviews=list(reviews))
    return review(candidate(checkout), checklist_settings(**settings), github.forge())()


def test_an_approval_of_the_last_commit_by_somebody_else_is_proven(checkout: Path) -> None:
    found = reviewed(checkout, judged("ana"))
    assert (found.state, found.value) == (State.PROVEN, "pull request 12 by ben was approved by ana")
    assert found.link == f"{WEB}/pull/12#pullrequestreview-ana"


def test_without_an_approval_it_is_missing_with_who_closes_it(checkout: Path) -> None:
    is_open(reviewed(checkout), State.MISSING, "has no approval", f"somebody but its author approves it: {WEB}/pull/12")
    is_open(reviewed(checkout, judged("ana", "COMMENTED")), State.MISSING, "has no approval", "approves it")


def test_the_author_does_not_approve_the_own_work(checkout: Path) -> None:
    is_open(reviewed(checkout, judged("Ben")), State.MISSING, "by its own author alone", "somebody but its author")
    assert reviewed(checkout, judged("Ben"), judged("ana")).state is State.PROVEN


def test_an_approval_of_an_earlier_commit_does_not_count(checkout: Path) -> None:
    found = reviewed(checkout, judged("ana", commit="e" * 40))
    is_open(found, State.MISSING, "by ana is of an earlier commit", "ana approves its last commit")


def test_somebody_who_wants_changes_outweighs_every_approval(checkout: Path) -> None:
    found = reviewed(checkout, judged("ana"), judged("cy", "CHANGES_REQUESTED", commit="e" * 40))
    is_open(found, State.MISSING, "changes are requested of pull request 12 by cy", "cy approves it, or dismisses")


def test_the_last_judgement_of_each_reviewer_counts(checkout: Path) -> None:
    assert reviewed(checkout, judged("cy", "CHANGES_REQUESTED"), judged("cy")).state is State.PROVEN
    assert reviewed(checkout, judged("cy"), judged("cy", "CHANGES_REQUESTED")).state is State.MISSING


def test_a_dismissed_review_counts_for_nothing(checkout: Path) -> None:
    assert reviewed(checkout, judged("ana"), judged("cy", "DISMISSED")).state is State.PROVEN
    assert reviewed(checkout, judged("ana", "DISMISSED")).state is State.MISSING


def test_an_account_that_is_gone_can_neither_approve_nor_be_told_from_the_author(checkout: Path) -> None:
    gone = {**judged("x"), "user": None}
    assert reviewed(checkout, gone).state is State.MISSING


def test_the_newest_merged_pull_request_into_main_is_judged(checkout: Path) -> None:
    pulls = [pull(11, author="ana"), pull(12), pull(13, base={"ref": "develop", "sha": "b" * 40})]
    assert "pull request 12" in reviewed(checkout, judged("ana"), pulls=pulls).value


def test_one_that_is_not_merged_or_none_at_all_is_missing(checkout: Path) -> None:
    is_open(reviewed(checkout, judged("ana"), pulls=[pull(merged_at=None)]), State.MISSING, "is not merged", "merge it")
    is_open(reviewed(checkout, pulls=[]), State.MISSING, "no pull request into main brought", "open a pull request")
    is_open(reviewed(checkout, judged("ana"), main_branch="trunk"), State.MISSING, "into trunk", "into trunk")


def test_a_commit_that_the_forge_does_not_have_is_missing(checkout: Path) -> None:
    found = review(candidate(checkout), checklist_settings(), GitHubStandIn().forge())()
    is_open(found, State.MISSING, "does not have commit", "git push")


def test_without_a_forge_the_setting_is_missing(checkout: Path) -> None:
    found = review(candidate(checkout), checklist_settings(), None)()
    is_open(found, State.MISSING, "no forge is configured", "set checklist.forge")


@pytest.mark.parametrize("part", ["/pulls", "/reviews"])
def test_a_forge_that_is_down_is_told_and_not_taken_for_no_review(checkout: Path, part: str) -> None:
    sha = git(checkout, "rev-parse", "HEAD")
    github = GitHubStandIn({sha}, pulls=[pull()], fails={part: httpx.Response(502)})
    with pytest.raises(ForgeError):
        review(candidate(checkout), checklist_settings(), github.forge())()
