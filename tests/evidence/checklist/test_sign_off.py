"""Item 14: for a critical release the incident response team stands by; where nobody can say, it is not harmless."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from evidence.checklist.proof import Proof, State
from evidence.checklist.sign_off import SignOff, nobody, response_team
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
from tests.evidence.forge.github_stand_in import GitHubStandIn, pull

AT = datetime(2031, 5, 14, 9, 30, tzinfo=UTC)


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
