"""Who has approved a release: one answer for the checklist, for the gate before an update, and for `make approve`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.api import Cluster
from cluster.approval.approvals import Approvals
from cluster.approval.built import BuiltImages
from evidence.approval.signed import SignedApprovals
from evidence.approval.subject import Subject
from evidence.checklist.approval_item import Given, Way, approval, forge_way, recorded_way, signed_way
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Prover
from evidence.checklist.sign_off import SignOff
from evidence.forge.forge import Forge
from evidence.image import FoundImage
from settings import Settings

PROJECT_DIRECTORY = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Approving:
    """The approvals of one stack's releases. `project` is where relative paths of the settings begin."""

    settings: Settings
    cluster: Cluster
    project: Path = PROJECT_DIRECTORY

    def subject(self, version: str, commit: str, image: FoundImage | None) -> Subject:
        """Return what is to be approved: with the image, where the update takes one that there is already."""
        return Subject(
            self.settings.environment,
            version,
            commit,
            image.digest if image is not None and self.settings.image.found_again else "",
        )

    def prover(self, candidate: Candidate, image: FoundImage | None, forge: Forge | None) -> Prover:
        """Return what proves item 10 of the checklist."""
        subject = self.subject(candidate.version, candidate.revision.sha, image)
        return approval(candidate, subject, self._ways(candidate, subject, forge), self._built(subject))

    @property
    def signed(self) -> SignedApprovals | None:
        """The signed files, or None where the stack takes none."""
        wanted = self.settings.approval.signed
        if wanted is None:
            return None
        checkout, main = Path(self.settings.image.context), self.settings.checklist.main_branch
        return SignedApprovals(self.settings.approval, wanted, self.project, checkout, main)

    @property
    def records(self) -> Approvals:
        """What make approve records."""
        return Approvals(self.cluster, self.settings.application.deployment, self.settings.approval.approvers)

    def _ways(self, candidate: Candidate, subject: Subject, forge: Forge | None) -> Sequence[Way]:
        settings, wanted = self.settings.approval, self.settings.checklist.forge
        ways = []
        if settings.recorded:
            ways.append(recorded_way(candidate, subject, settings, lambda: self._recorded(subject.version)))
        if self.signed is not None:
            ways.append(signed_way(candidate, subject, settings, self.signed))
        if forge is not None and wanted is not None and wanted.environment is not None:
            ways.append(forge_way(candidate, subject, settings, forge, wanted))
        return ways

    def _recorded(self, version: str) -> Given | None:
        found = self.records.given("release", version)
        if found is None:
            return None
        return Given(SignOff(found.by, found.at, f"ConfigMap {self.records.name}"), found.commit, found.digest)

    def _built(self, subject: Subject) -> Callable[[], str]:
        built = BuiltImages(self.cluster, self.settings.application.deployment)
        return lambda: built.digest(subject.version, subject.commit)
