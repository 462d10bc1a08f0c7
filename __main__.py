"""The release of Release Manager, from top to bottom: image, migration, canary, pods, verification."""

from __future__ import annotations

from pathlib import Path

import pulumi

from checks.reader import Unreachable
from cluster.errors import ClusterError
from components.adoption import Adoption, AdoptionArgs
from components.approval import Approval, ApprovalArgs
from components.gate import Record
from components.image import ImageArgs, ReleaseImage
from components.interruption import INTERRUPTION
from components.migration import Migration, MigrationArgs
from components.rollout import Rollout, RolloutArgs
from components.target import after, target
from components.verification import Verification, VerificationArgs
from evidence.errors import EvidenceError
from evidence.release import read_release
from gates import Gates
from settings import load_settings

INTERRUPTION.install()
settings = load_settings()
gates = Gates(settings)
INTERRUPTION.before_leaving(gates.holding.release)
try:
    revision = read_release(Path(settings.image.context), settings.release)
    gates.reach_cluster()
    found = gates.find_image(revision)
    standing = gates.look_at(revision, found)
except (EvidenceError, ClusterError, Unreachable) as error:
    raise pulumi.RunError(str(error)) from None
version = revision.version(settings.environment)
inside = target(settings.cluster, standing)

approval = Approval("approval", ApprovalArgs(settings, version, gates.approved), inside)
image = ReleaseImage("image", ImageArgs(settings, revision, found, gates.promoted), after(inside, approval))
record: Record = {**gates.release_of(revision), "image": image.reference, "from": standing.started_from}
adoption = Adoption("adoption", AdoptionArgs(settings, standing.adopts, gates.adopted), after(inside, approval, image))
migration = Migration(
    "migration",
    MigrationArgs(settings, image.reference, version, gates.planned, gates.migrated, recorded=standing.migration),
    after(inside, adoption),
)
rollout = Rollout(
    "rollout",
    RolloutArgs(settings, image.reference, version, record, standing, gates.stepped, gates.plan),
    after(inside, migration),
)
verification = Verification("verification", VerificationArgs(settings, record, gates.verified), after(inside, rollout))

pulumi.export("version", version)
pulumi.export("image", image.reference)
pulumi.export("health", str(settings.health.url))
