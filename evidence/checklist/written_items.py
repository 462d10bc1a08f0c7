"""Items that the release file proves: 6 plan, 7 release notes, 9 architecture."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from concerns.checklist import ChecklistSettings
from evidence.api.breaking import ApiBreak
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.release_file import ReleaseFile, ReleaseFileError, in_commit, is_address, read_release_file
from evidence.checklist.since import breaking_commits, not_listed, without_commit
from evidence.checklist.tests_item import some
from evidence.errors import EvidenceError
from evidence.forge.forge import Forge

_FILE = re.compile(r"[\w.-]+(/[\w.-]+)*\.(md|markdown|rst|adoc|txt|html|pdf)(#\S*)?")
_AGAIN = "commit that, and tag the commit"
_NAMED_BREAKS = 5
# Looks up what the release breaks of the API; None where there is nothing to compare. May raise EvidenceError.
ApiBroken = Callable[[], list[ApiBreak] | None]


def plan(candidate: Candidate, settings: ChecklistSettings, forge: Forge | None) -> Prover:
    """Return what proves item 6: how long it takes, how to go back, and the sections Plan and Rollback."""

    def judge(found: ReleaseFile) -> Proof:
        lacking = found.lacking("Plan", "Rollback")
        gone = _not_there(candidate, [found.top.rollback])
        if lacking or gone:
            return _wrong(found, [*_unwritten(lacking), *gone])
        return Proof(State.PROVEN, found.path, f"{found.top.estimated_minutes} minutes; to go back: {_line(found)}")

    return _prover(candidate, settings, forge, judge)


def notes(
    candidate: Candidate, settings: ChecklistSettings, forge: Forge | None, api_broken: ApiBroken = lambda: None
) -> Prover:
    """Return what proves item 7: its sections, and that its breaking changes are those of the commits and the API."""

    def judge(found: ReleaseFile) -> Proof:
        listed = found.top.breaking_changes
        problems = _unwritten(found.lacking("Release notes", "Breaking changes"))
        commits = breaking_commits(candidate)
        for commit in [] if commits is None else not_listed(commits, listed):
            problems.append(f"commit {commit.sha[:7]} breaks '{commit.says[0][:80]}', and breaking_changes lacks it")
        try:
            broken = api_broken()
        except EvidenceError:
            # What is wrong for certain is told first.
            if not problems:
                raise
            broken = None
        unsaid = [each.text for each in broken or () if not any(each.is_named_in(entry) for entry in listed)]
        if unsaid:
            more = f"; and {len(unsaid) - _NAMED_BREAKS} more" if len(unsaid) > _NAMED_BREAKS else ""
            problems.append(
                f"the API is broken, and breaking_changes lacks it: {'; '.join(unsaid[:_NAMED_BREAKS])}{more}"
            )
        for entry in [] if commits is None else without_commit(listed, commits):
            if not any(each.is_named_in(entry) for each in broken or ()):
                problems.append(f"breaking_changes has '{entry[:80]}', which no commit of this release says of itself")
        if problems:
            return _wrong(found, problems)
        count = len(listed)
        value = f"{count or 'no'} breaking change{'' if count == 1 else 's'}"
        # No part of the value, which is the same once the release itself is the one that runs.
        by = "the commits" if broken is None else "the commits and the API"
        seen = "" if commits is None else f"as {by} since {candidate.before[:7]} say"
        return Proof(State.PROVEN, found.path, value, seen)

    return _prover(candidate, settings, forge, judge)


def architecture(candidate: Candidate, settings: ChecklistSettings, forge: Forge | None) -> Prover:
    """Return what proves item 9: the decisions that the file names are there, and the section Architecture."""

    def judge(found: ReleaseFile) -> Proof:
        decisions = () if found.top.architecture == "none" else found.top.architecture
        vague = [f"'{each[:80]}' is neither an address nor a file" for each in decisions if not _can_be_read(each)]
        gone = _not_there(candidate, decisions)
        problems = [*_unwritten(found.lacking("Architecture")), *vague, *gone]
        if problems:
            return _wrong(found, problems)
        value = f"decided in {some(decisions)}" if decisions else "nothing changes in the architecture"
        link = next((each for each in decisions if is_address(each)), "")
        return Proof(State.PROVEN, found.path, value, link=link)

    return _prover(candidate, settings, forge, judge)


def _prover(
    candidate: Candidate, settings: ChecklistSettings, forge: Forge | None, judge: Callable[[ReleaseFile], Proof]
) -> Prover:
    def prove() -> Proof:
        try:
            found = read_release_file(candidate, settings.release_files)
        except ReleaseFileError as error:
            return Proof(State.MISSING, error.path, error.what, closes=error.mend)
        proof = judge(found)
        link = proof.link or (forge.page(candidate.revision.sha, found.path) if forge is not None else "")
        return Proof(proof.state, proof.source, proof.value, proof.seen, link, proof.closes)

    return prove


def _unwritten(titles: Sequence[str]) -> list[str]:
    return [f"section '{title}' is missing or says nothing yet" for title in titles]


def _not_there(candidate: Candidate, names: Sequence[str]) -> list[str]:
    """Return which of the names look like files of the repository and are not part of the commit."""
    files = [name.partition("#")[0] for name in names if _FILE.fullmatch(name)]
    return [f"{file} is not part of the commit" for file in files if not in_commit(candidate, file)]


def _can_be_read(decision: str) -> bool:
    return is_address(decision) or _FILE.fullmatch(decision) is not None


def _wrong(found: ReleaseFile, problems: Sequence[str]) -> Proof:
    return Proof(State.MISSING, found.path, "; ".join(problems), closes=f"correct {found.path}, {_AGAIN}")


def _line(found: ReleaseFile) -> str:
    return " ".join(found.top.rollback.split())
