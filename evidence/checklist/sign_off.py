"""Item 14: for a critical release the incident response team stands by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from concerns.checklist import ChecklistSettings
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.release_file import ReleaseFileError, read_release_file
from evidence.forge.forge import Forge


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
