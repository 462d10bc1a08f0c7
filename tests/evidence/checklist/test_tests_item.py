"""Item 2: each kind of test succeeded on this very commit."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from evidence.checklist.junit import ReportError
from evidence.checklist.proof import Proof, State
from evidence.checklist.tests_item import automated_tests
from evidence.forge.forge import ForgeError
from tests.evidence.checklist.candidates import candidate, checklist_settings, is_open
from tests.evidence.checkouts import git
from tests.evidence.forge.github_stand_in import REPOSITORY, WEB, GitHubStandIn, Json, check, forge_settings

ALL = [check("unit"), check("integration"), check("e2e")]


def by_checks(
    checkout: Path, checks: list[Json], names: dict[str, list[str]] | None = None, *, known: bool = True
) -> Proof:
    sha = git(checkout, "rev-parse", "HEAD")
    github = GitHubStandIn({sha} if known else set(), checks)
    settings = checklist_settings(forge={"repository": REPOSITORY, "checks": names or {}})
    return automated_tests(candidate(checkout), settings, github.forge())()


def by_report(checkout: Path, text: str | None) -> Proof:
    file = checkout.parent / f"{checkout.name}-report.xml"
    if text is not None:
        file.write_text(text)
    return automated_tests(candidate(checkout), checklist_settings(test_reports=[str(file)]), None)()


def report(checkout: Path, cases: str = '<testcase name="a"/>', *, name: str | None = None, errors: int = 0) -> str:
    suite = git(checkout, "rev-parse", "HEAD") if name is None else name
    return f'<testsuites><testsuite name="{suite}" errors="{errors}">{cases}</testsuite></testsuites>'


def test_a_successful_check_of_each_kind_is_proven(checkout: Path) -> None:
    found = by_checks(checkout, [*ALL, check("lint", "failure")])
    assert found.state is State.PROVEN
    assert found.value.startswith("unit, integration and e2e tests succeeded on commit ")
    assert (found.source, found.link.endswith("/checks")) == (f"GitHub {REPOSITORY}", True)


@pytest.mark.parametrize(
    "outcome",
    ["failure", "cancelled", "timed_out", "skipped", "neutral", "stale", "action_required", "queued", "in_progress"],
)
def test_whatever_is_not_success_is_open_with_the_page_of_the_run(checkout: Path, outcome: str) -> None:
    found = by_checks(checkout, [*ALL[:2], check("e2e", outcome)])
    is_open(found, State.MISSING, f"'e2e' is {outcome}", f"see {WEB}/runs/e2e")
    assert found.link == f"{WEB}/runs/e2e"


def test_a_kind_that_did_not_run_is_open(checkout: Path) -> None:
    found = by_checks(checkout, ALL[:2])
    is_open(found, State.MISSING, "'e2e' did not run", "checklist.forge.checks.e2e")


def test_each_run_of_a_check_must_have_succeeded(checkout: Path) -> None:
    assert by_checks(checkout, [*ALL, check("unit", "failure")]).state is State.MISSING


def test_checks_are_found_by_their_own_names(checkout: Path) -> None:
    names = {"unit": ["CI / unit (3.11)", "CI / unit (3.12)"], "e2e": ["system"]}
    checks = [check("CI / unit (3.11)"), check("integration"), check("system")]
    is_open(by_checks(checkout, checks, names), State.MISSING, "'CI / unit (3.12)' (unit) did not run", "run the")
    assert by_checks(checkout, [*checks, check("CI / unit (3.12)")], names).state is State.PROVEN


def test_a_commit_that_the_forge_does_not_have_is_missing(checkout: Path) -> None:
    is_open(by_checks(checkout, ALL, known=False), State.MISSING, "does not have commit", "git push")


def test_a_forge_that_is_down_is_told_and_its_report_does_not_stand_in_for_it(checkout: Path) -> None:
    github = GitHubStandIn(fails={"commits": httpx.ConnectTimeout("")})
    file = checkout.parent / f"{checkout.name}-report.xml"
    file.write_text(report(checkout))
    settings = checklist_settings(forge={"repository": REPOSITORY}, test_reports=[str(file)])
    with pytest.raises(ForgeError):
        automated_tests(candidate(checkout), settings, github.forge(forge_settings()))()


def test_without_a_forge_a_report_of_this_commit_is_proof(checkout: Path) -> None:
    found = by_report(checkout, report(checkout, '<testcase name="a"/><testcase name="b"/>'))
    assert (found.state, found.seen) == (State.PROVEN, "2 tests")
    assert "by their own report" in found.value


def test_a_property_may_name_the_commit(checkout: Path) -> None:
    sha = git(checkout, "rev-parse", "HEAD")
    properties = f'<properties><property name="revision" value="{sha}"/></properties><testcase name="a"/>'
    assert by_report(checkout, report(checkout, properties, name="pytest")).state is State.PROVEN


def test_a_report_of_another_commit_or_of_none_proves_nothing(checkout: Path) -> None:
    text = report(checkout, name="pytest")
    is_open(by_report(checkout, text), State.MISSING, "does not say that it is of commit", "-o junit_suite_name=")
    old = report(checkout)
    git(checkout, "commit", "-q", "--allow-empty", "-m", "next")
    assert by_report(checkout, old).state is State.MISSING


@pytest.mark.parametrize(
    ("cases", "errors"),
    [
        ('<testcase classname="t" name="bad"><failure/></testcase>', 0),
        ('<testcase classname="t" name="bad"><error/></testcase>', 0),
        ('<testcase classname="t" name="good"/>', 1),
    ],
)
def test_a_report_with_a_failure_or_an_error_is_missing(checkout: Path, cases: str, errors: int) -> None:
    found = by_report(checkout, report(checkout, cases, errors=errors))
    is_open(found, State.MISSING, "failed", "mend what failed")
    assert ("t::bad" in found.value) == (not errors)


def test_an_empty_report_and_none_at_all_are_missing(checkout: Path) -> None:
    is_open(by_report(checkout, None), State.MISSING, "have written no report", "pytest --junit-xml=")
    is_open(by_report(checkout, report(checkout, "")), State.MISSING, "holds no test", "pytest --junit-xml=")


@pytest.mark.parametrize("text", ["", "<testsuites>", "no XML"])
def test_a_report_that_cannot_be_read_is_no_answer(checkout: Path, text: str) -> None:
    with pytest.raises(ReportError, match=r"cannot be read as JUnit XML.*; pytest --junit-xml="):
        by_report(checkout, text)


def test_without_forge_and_report_the_setting_is_missing(checkout: Path) -> None:
    found = automated_tests(candidate(checkout), checklist_settings(), None)()
    is_open(found, State.MISSING, "no report of the tests is configured", "set checklist.test_reports")
