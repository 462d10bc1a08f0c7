"""Item 2: all automated tests pass, by the forge's check runs or else by the report of the tests."""

from __future__ import annotations

from collections.abc import Sequence

from concerns.checklist import ChecklistSettings
from concerns.forge import ForgeChecks
from evidence.checklist.candidate import Candidate
from evidence.checklist.junit import Report, command, read_report
from evidence.checklist.proof import Proof, Prover, State
from evidence.forge.forge import CheckRun, Forge, UnknownCommitError

_NAMED = 3


def automated_tests(candidate: Candidate, settings: ChecklistSettings, forge: Forge | None) -> Prover:
    """Return what proves item 2. Without a forge a report of the tests proves it, where it names the commit."""

    def prove() -> Proof:
        if forge is None or settings.forge is None:
            return _by_reports(candidate, settings.test_reports)
        return _by_checks(candidate, forge, settings.forge.checks)

    return prove


def reports_of(candidate: Candidate, paths: Sequence[str]) -> list[Report] | Proof:
    """Return the reports, or what is missing: a file, a test in it, or that it is of this commit. Raises ReportError.

    A report that does not say which commit it is of proves nothing of this one.
    """
    if not paths:
        closes = "set checklist.test_reports to the JUnit XML that the tests write"
        return Proof(State.MISSING, "settings", "no report of the tests is configured", closes=closes)
    reports = []
    for path in paths:
        report, closes = read_report(path), command(path)
        if report is None:
            return Proof(State.MISSING, path, "the tests have written no report", closes=closes)
        if not report.tests:
            return Proof(State.MISSING, path, "the report holds no test", closes=closes)
        if candidate.revision.sha not in report.commits:
            value = f"the report does not say that it is of commit {candidate.revision.short}"
            return Proof(State.MISSING, path, value, closes=closes)
        reports.append(report)
    return reports


def failures_in(reports: Sequence[Report]) -> Proof | None:
    """Return which tests failed, or None where all passed."""
    failed = [(report, name) for report in reports for name in report.failed]
    if not failed:
        return None
    value = f"{some([name for _, name in failed])} failed"
    path = failed[0][0].path
    return Proof(State.MISSING, path, value, closes=f"mend what failed, release that commit, and: {command(path)}")


def some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _by_reports(candidate: Candidate, paths: Sequence[str]) -> Proof:
    reports = reports_of(candidate, paths)
    if isinstance(reports, Proof):
        return reports
    failed = failures_in(reports)
    if failed is not None:
        return failed
    value = f"all tests passed on commit {candidate.revision.short}, by their own report"
    return Proof(State.PROVEN, ", ".join(paths), value, f"{sum(report.tests for report in reports)} tests")


def _by_checks(candidate: Candidate, forge: Forge, wanted: ForgeChecks) -> Proof:
    sha, short = candidate.revision.sha, candidate.revision.short
    try:
        runs = forge.check_runs(sha)
    except UnknownCommitError:
        return Proof(State.MISSING, forge.name, f"it does not have commit {short}", closes="git push")
    problems: list[tuple[str, str, str]] = []
    for kind, names in (("unit", wanted.unit), ("integration", wanted.integration), ("e2e", wanted.e2e)):
        for name in names:
            problems += _problems(kind, name, [run for run in runs if run.name == name])
    link = f"{forge.page(sha)}/checks"
    if not problems:
        value = f"unit, integration and e2e tests succeeded on commit {short}"
        return Proof(State.PROVEN, forge.name, value, link=link)
    value = f"on commit {short}: {', '.join(what for what, _, _ in problems)}"
    closes = "; ".join(dict.fromkeys(mend for _, mend, _ in problems))
    return Proof(State.MISSING, forge.name, value, link=problems[0][2] or link, closes=closes)


def _problems(kind: str, name: str, runs: Sequence[CheckRun]) -> list[tuple[str, str, str]]:
    """Return what keeps a check from counting, each with its mend and its link: all its runs must have succeeded."""
    if not runs:
        named = "" if name == kind else f" ({kind})"
        mend = f"run the workflow that has check '{name}' on this commit, or name it in checklist.forge.checks.{kind}"
        return [(f"'{name}'{named} did not run", mend, "")]
    return [
        (f"'{name}' is {run.outcome}", f"see {run.link}, mend it, and run it again", run.link)
        for run in runs
        if run.outcome != "success"
    ]
