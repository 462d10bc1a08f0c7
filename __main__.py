"""The release of Release Manager, from top to bottom: image, migration, pods, verification."""

from __future__ import annotations

from pathlib import Path

import pulumi

from checks.reader import Unreachable
from cluster.errors import ClusterError
from components.approval import Approval, ApprovalArgs
from components.image import ImageArgs, ReleaseImage
from components.interruption import INTERRUPTION
from components.migration import Migration, MigrationArgs
from components.pod import configuration_hash
from components.rollout import Rollout, RolloutArgs
from components.target import after, provider
from components.verification import Verification, VerificationArgs
from evidence.errors import EvidenceError
from evidence.release import read_release
from gates import Gates
from settings import load_settings

INTERRUPTION.install()
settings = load_settings()
gates = Gates(settings)
try:
    revision = read_release(Path(settings.image.context), settings.release)
    gates.reach_cluster()
    found = gates.find_image(revision)
except (EvidenceError, ClusterError, Unreachable) as error:
    raise pulumi.RunError(str(error)) from None
version = revision.version(settings.environment)
inside = pulumi.ResourceOptions(providers=[provider(settings.cluster)])

approval = Approval("approval", ApprovalArgs(settings, version, gates.approved), inside)
image = ReleaseImage("image", ImageArgs(settings, revision, found, gates.promoted), after(inside, approval))
migration = Migration(
    "migration",
    MigrationArgs(settings, image.reference, tag=version, plan=gates.planned, check=gates.migrated),
    after(inside, approval, image),
)
rollout = Rollout("rollout", RolloutArgs(settings, image.reference, version), after(inside, migration))
verification = Verification(
    "verification",
    VerificationArgs(
        settings, version, image.reference, configuration_hash(settings.application), revision.sha, gates.verified
    ),
    after(inside, rollout),
)

pulumi.export("version", version)
pulumi.export("image", image.reference)
pulumi.export("health", str(settings.health.url))
