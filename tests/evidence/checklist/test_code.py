"""Every item of this part, from its prover to its line: proven, stated, waived, expired, missing, and service down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from concerns.approval import ApprovalSettings
from concerns.checklist import ITEM_NAMES, ChecklistSettings
from evidence.approval.subject import Subject
from evidence.checklist.approval_item import Given, approval, forge_way, recorded_way
from evidence.checklist.candidate import Candidate
from evidence.checklist.checklist import Checklist, Line
from evidence.checklist.code import provers_of_code
from evidence.checklist.gather import gather
from evidence.checklist.item import BY_NAME
from evidence.checklist.proof import Prover, State
from evidence.checklist.sign_off import SignOff
from evidence.forge.forge import Forge
from tests.evidence.checklist.candidates import TAGGED, VERSION, candidate, checklist_settings, push, release
from tests.evidence.checkouts import application, copied, git
from tests.evidence.forge.github_stand_in import REPOSITORY, GitHubStandIn, approved, check, judged, pull

TODAY = date(2031, 5, 14)
NAMES = (
    "merged",
    "tests",
    "review",
    "markers",
    "tag",
    "plan",
    "notes",
    "architecture",
    "approval",
    "response-team",
)
FORGE = {"repository": REPOSITORY, "environment": "production"}
Gather = Callable[..., Checklist]


@pytest.fixture
def complete(checkout: Path) -> Gather:
    """Return what gathers the checklist of a release that has everything; `github` and `settings` may differ."""
    release(push(checkout))
    git(checkout, "push", "-q", "--follow-tags")
    sha = git(checkout, "rev-parse", "HEAD")
    report = checkout.parent / f"{checkout.name}-report.xml"
    report.write_text(f'<testsuite name="{sha}"><testcase name="a"/></testsuite>')
    well = {
        "known": {sha},
        "checks": [check("unit"), check("integration"), check("e2e")],
        "pulls": [pull()],
        "reviews": [judged("ana")],
        "runs": {4: [approved("ana")]},
    }

    def gathered(github: dict[str, Any] | None = None, record: Given | None = None, **values: Any) -> Checklist:
        own = {"required": NAMES, "forge": FORGE, "test_reports": [str(report)], **values}
        settings: ChecklistSettings = checklist_settings(**own)
        forge = None if settings.forge is None else GitHubStandIn(**{**well, **(github or {})}).forge(settings.forge)
        approved = approval_of(candidate(checkout), forge, settings, record)
        provers = provers_of_code(candidate(checkout), settings, TAGGED, forge=forge, approved=approved)
        assert set(provers) == set(NAMES)
        return gather(provers, settings, environment="prod", version=VERSION, today=TODAY)

    return gathered


def approval_of(
    judged_one: Candidate, forge: Forge | None, settings: ChecklistSettings, record: Given | None
) -> Prover:
    approval_settings = ApprovalSettings(required=True, approvers=("ana",))
    subject = Subject("prod", judged_one.version, judged_one.revision.sha)
    ways = [recorded_way(judged_one, subject, approval_settings, lambda: record)]
    if forge is not None and settings.forge is not None:
        ways.append(forge_way(judged_one, subject, approval_settings, forge, settings.forge))
    return approval(judged_one, subject, ways, lambda: "")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """Return a commit that has nothing, which nobody changes."""
    return candidate(copied(application, tmp_path_factory.mktemp("plain")))


def bare(plain: Candidate, name: str, **values: Any) -> Line:
    """Return how an item stands for a commit that has nothing."""
    settings = checklist_settings(required=[name], timeout_seconds=30, **values)
    approved = approval_of(plain, None, settings, None)
    provers = provers_of_code(plain, settings, TAGGED, forge=None, approved=approved)
    return line_of(gather({name: provers[name]}, settings, environment="prod", version=VERSION, today=TODAY), name)


def line_of(checklist: Checklist, name: str) -> Line:
    return next(line for line in checklist.lines if line.item.name == name)


def statement(name: str, until: str) -> dict[str, Any]:
    said = {"item": name, "by": "ben", "dated": "2031-05-01", "until": until, "text": "seen on paper"}
    return {"may_be_stated": "all", "statements": [said]}


def waiver(name: str, until: str) -> dict[str, Any]:
    return {"waivers": [{"item": name, "by": "ben", "until": until, "reason": "the runner is down"}]}


def test_the_names_in_the_settings_are_those_of_the_items() -> None:
    assert tuple(BY_NAME) == ITEM_NAMES


def test_a_release_that_has_everything_has_nothing_open(complete: Gather) -> None:
    checklist = complete()
    assert [(line.item.name, line.proof) for line in checklist.open] == []
    assert {line.proof.state for line in checklist.lines if line.item.name in NAMES} == {State.PROVEN}


def test_without_a_forge_reports_and_the_record_prove_all_but_the_review(complete: Gather, checkout: Path) -> None:
    sha = git(checkout, "rev-parse", "HEAD")
    record = Given(SignOff("ana", datetime(2031, 5, 14, tzinfo=UTC), "approvals"), sha)
    assert [line.item.name for line in complete(record=record, forge=None).open] == ["review"]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_bare_commit_lacks_is_missing_with_what_closes_it(plain: Candidate, name: str) -> None:
    line = bare(plain, name)
    assert (line.proof.state, line.open) == (State.MISSING, True)
    assert line.proof.closes


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_stated_where_that_is_allowed(plain: Candidate, name: str) -> None:
    line = bare(plain, name, **statement(name, "2031-05-14"))
    assert (line.proof.state, line.open) == (State.STATED, False)


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_waived(plain: Candidate, name: str) -> None:
    line = bare(plain, name, **waiver(name, "2031-05-14"))
    assert (line.proof.state, line.open) == (State.WAIVED, False)


@pytest.mark.parametrize("claim", [statement, waiver])
@pytest.mark.parametrize("name", NAMES)
def test_what_was_stated_or_waived_until_yesterday_has_expired(
    plain: Candidate, name: str, claim: Callable[[str, str], dict[str, Any]]
) -> None:
    line = bare(plain, name, **claim(name, "2031-05-13"))
    assert (line.proof.state, line.open) == (State.EXPIRED, True)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("tests", {}), ("review", {}), ("approval", {}), ("response-team", {"critical_labels": ["critical"]})],
)
def test_a_forge_that_is_down_makes_its_items_unknown_and_blocks(
    complete: Gather, name: str, settings: dict[str, Any]
) -> None:
    line = line_of(complete({"fails": {"": httpx.ConnectError("")}}, **settings), name)
    assert (line.proof.state, line.open) == (State.UNKNOWN, True)
    assert (line.proof.value, line.proof.closes) == (
        f"GitHub {REPOSITORY} gives no answer (ConnectError)",
        "see that https://api.github.com answers from here",
    )


@pytest.mark.parametrize("name", ["merged", "markers", "tag", "plan", "notes", "architecture"])
def test_git_that_does_not_answer_makes_its_items_unknown_and_blocks(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    release(push(checkout))
    settings = checklist_settings(required=[name])
    judged_one = candidate(checkout)
    approved = approval_of(judged_one, None, settings, None)
    provers = provers_of_code(judged_one, settings, TAGGED, forge=None, approved=approved)
    monkeypatch.setenv("PATH", "/nowhere")
    checklist = gather({name: provers[name]}, settings, environment="prod", version=VERSION, today=TODAY)
    assert [line.proof.state for line in checklist.open] == [State.UNKNOWN]
    assert checklist.open[0].proof.value == "git is not on PATH"


def test_looking_twice_at_an_unchanged_situation_gives_the_same_inputs(complete: Gather) -> None:
    assert complete().inputs() == complete().inputs()
