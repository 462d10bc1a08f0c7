"""The release of Release Manager, from top to bottom: checklist, image, migration, canary, pods, verification."""

from __future__ import annotations

import pulumi

from components.adoption import Adoption, AdoptionArgs
from components.approval import Approval, ApprovalArgs
from components.checklist import Checklist, ChecklistArgs
from components.enforcement import enforced
from components.gate import Record
from components.image import ImageArgs, ReleaseImage
from components.interruption import INTERRUPTION
from components.migration import Migration, MigrationArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.rollout import Rollout, RolloutArgs
from components.target import after, target
from components.verification import Verification, VerificationArgs
from components.watch import Watch
from gates import Gates
from settings import load_settings
from situation import look

INTERRUPTION.install()
settings = load_settings()
gates = Gates(settings)
INTERRUPTION.before_leaving(gates.holding.release)
found = look(settings, gates)
revision, standing = found.revision, found.standing
version = revision.version(settings.environment)

with enforced(settings.environment, settled=standing.settled):
    inside = target(settings.cluster, standing)
    checklist = Checklist("checklist", ChecklistArgs(settings, found.checklist, standing.settled), inside)
    asked = ApprovalArgs(settings, revision, found.image, gates.approved, standing.settled)
    approval = Approval("approval", asked, after(inside, checklist))
    from_where = ImageArgs(settings, revision, found.image, gates.images.promote, gates.built)
    image = ReleaseImage("image", from_where, after(inside, approval))
    record: Record = {**gates.release_of(revision), "image": image.reference, "from": standing.started_from}
    taking_over = AdoptionArgs(settings, standing.adopts, gates.adopted)
    adoption = Adoption("adoption", taking_over, after(inside, approval, image))
    watching = MonitoringArgs(settings, settings.monitoring, gates.monitored(version))
    monitoring = Monitoring("monitoring", watching, after(inside, adoption))
    migration = Migration(
        "migration",
        MigrationArgs(settings, image.reference, version, gates.planned, gates.migrated, recorded=standing.migration),
        after(inside, adoption, monitoring),
    )
    rollout = Rollout(
        "rollout",
        RolloutArgs(settings, image.reference, version, record, standing, gates.stepped, gates.plan),
        after(inside, migration),
    )
    verified = Verification("verification", VerificationArgs(settings, record, gates.verified), after(inside, rollout))
    Watch("watch", gates.watching.args(record, found.watch), after(inside, verified))

    pulumi.export("version", version)
    pulumi.export("image", image.reference)
    pulumi.export("health", str(settings.health.url))
