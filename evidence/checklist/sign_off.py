"""Items that a named person answers for: 10 the release manager's approval, 14 the incident response team."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from checks.reader import Unreachable
from cluster.errors import ClusterError
from concerns.checklist import ChecklistSettings
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.release_file import ReleaseFileError, read_release_file
from evidence.errors import EvidenceError
from evidence.forge.forge import Forge
from evidence.git import git


@dataclass(frozen=True)
class SignOff:
    """Who let the release go on, or stands by for it, when, and where that is written down."""

    by: str
    at: datetime | None
    source: str
    link: str = ""

    @property
    def text(self) -> str:
        """By whom, and when."""
        return self.by if self.at is None else f"{self.by} at {self.at:%Y-%m-%d %H:%M:%S %Z}".rstrip()


# Looks up what was recorded of the candidate; None where nothing was. May raise ClusterError or Unreachable.
Recorded = Callable[[], SignOff | None]


def approval(
    candidate: Candidate,
    settings: ChecklistSettings,
    forge: Forge | None,
    *,
    approvers: Sequence[str],
    recorded: Recorded,
) -> Prover:
    """Return what proves item 10: an approval, on the forge or by `make approve`, of an approver but not the author.

    Where one of the two gives no answer and the other has no approval that counts, the item is UNKNOWN.
    """

    def prove() -> Proof:
        if not candidate.named:
            value = "the release has no version yet, and a version is what is approved"
            return Proof(State.MISSING, "approvals", value, closes="see item 5, tag")
        author = _author(candidate)
        why_not = list[str]()
        failed: EvidenceError | ClusterError | Unreachable | None = None
        looks: list[Callable[[], tuple[list[SignOff], Sequence[str], set[str]]]] = [
            lambda: _on_forge(candidate, settings, forge, approvers, author),
            lambda: (_one(recorded()), approvers, author),
        ]
        for look in looks:
            try:
                found, allowed, own = look()
            except (EvidenceError, ClusterError, Unreachable) as error:
                failed = failed or error
                continue
            for each in found:
                wrong = _why_not(each, allowed, own)
                if not wrong:
                    value = f"{candidate.version} was approved by {each.text}"
                    return Proof(State.PROVEN, each.source, value, link=each.link)
                why_not.append(wrong)
        if failed is not None:
            raise failed
        value = "; ".join(why_not) or f"release {candidate.version} is not approved"
        return Proof(State.MISSING, "approvals", value, closes=_who_approves(candidate, settings, approvers))

    return prove


def response_team(
    candidate: Candidate,
    settings: ChecklistSettings,
    forge: Forge | None,
    acknowledged: Recorded,
) -> Prover:
    """Return what proves item 14: for a critical release the team has acknowledged; any other needs nobody.

    Critical is what the settings, a label of the pull request or the release file say is; where none of them can say,
    it is not known that a release is not.
    """

    def prove() -> Proof:
        try:
            source = _why_critical(candidate, settings, forge)
        except ReleaseFileError as error:
            value = f"nobody says whether the release is critical: {error.path} {error.what}"
            return Proof(State.MISSING, error.path, value, closes=error.mend)
        if not source:
            return Proof(State.PROVEN, _file(candidate, settings), "not a critical release")
        found = acknowledged()
        if found is not None:
            return Proof(State.PROVEN, found.source, f"stands by: {found.text}", link=found.link)
        closes = (
            "the incident response team says that it stands by, and who heard it states it: checklist.statements, with"
            " item response-team, by, dated, until and text"
        )
        return Proof(
            State.MISSING, source, "a critical release, and nobody said that the team stands by", closes=closes
        )

    return prove


def nobody() -> None:
    """Return that nothing is recorded, for where there is no such record."""


def _on_forge(
    candidate: Candidate, settings: ChecklistSettings, forge: Forge | None, approvers: Sequence[str], author: set[str]
) -> tuple[list[SignOff], Sequence[str], set[str]]:
    wanted = settings.forge
    if forge is None or wanted is None or wanted.environment is None:
        return [], (), author
    sha = candidate.revision.sha
    found = forge.environment_approvals(sha, wanted.environment)
    source = f"{forge.name}, environment {wanted.environment}"
    signed = [SignOff(each.by, None, source, each.link) for each in found]
    # Asked only where it matters: it is a request of its own.
    login = {forge.author(sha).casefold()} - {""} if signed else set()
    return signed, wanted.approvers or approvers, author | login


def _one(found: SignOff | None) -> list[SignOff]:
    return [] if found is None else [found]


def _author(candidate: Candidate) -> set[str]:
    """Return what the commit's author is called in git: the name, the mail address, and what stands before its @."""
    told = git(candidate.directory, "log", "-1", "--format=%an%n%ae", candidate.revision.sha).splitlines()
    return {name.casefold() for text in told for name in (text, text.partition("@")[0]) if name}


def _why_not(found: SignOff, approvers: Sequence[str], author: set[str]) -> str:
    """Return why an approval does not count, or nothing where it does."""
    if found.by.casefold() not in {each.casefold() for each in approvers}:
        return f"{found.by or 'a deleted account'} has approved it, and is no approver"
    if found.by.casefold() in author:
        return f"{found.by} has approved it, and is the author of the commit"
    return ""


def _who_approves(candidate: Candidate, settings: ChecklistSettings, approvers: Sequence[str]) -> str:
    who = ", ".join(approvers) or "nobody, as approval.approvers is empty"
    command = f"make approve STACK={candidate.environment} RELEASE={candidate.version} BY=<name>"
    forge = settings.forge
    on_forge = f", or approves environment {forge.environment} of {forge.repository}" if forge else ""
    on_forge = on_forge if forge and forge.environment else ""
    return f"one of {who}, but not its author, runs: {command}{on_forge}"


def _why_critical(candidate: Candidate, settings: ChecklistSettings, forge: Forge | None) -> str:
    """Return what says that the release is critical, or nothing where it is not. Raises ReleaseFileError."""
    if settings.critical:
        return "checklist.critical"
    labels = {label.casefold() for label in settings.critical_labels}
    if labels and forge is not None:
        for pull in forge.pull_requests(candidate.revision.sha):
            if labels & {label.casefold() for label in pull.labels}:
                return f"label of pull request {pull.number}"
    file = read_release_file(candidate, settings.release_files)
    return file.path if file.top.critical else ""


def _file(candidate: Candidate, settings: ChecklistSettings) -> str:
    return f"{settings.release_files}/{candidate.version}.md"
