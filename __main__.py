"""The release of Release Manager, from top to bottom: image, migration, pods, verification."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from checks.reader import Unreachable
from cluster.errors import ClusterError
from components.image import ImageArgs, ReleaseImage
from components.interruption import INTERRUPTION
from components.migration import Migration, MigrationArgs
from components.pod import configuration_hash
from components.rollout import Rollout, RolloutArgs
from components.verification import Verification, VerificationArgs
from evidence.git import GitError, read_revision
from gates import Gates
from settings import load_settings

INTERRUPTION.install()
settings = load_settings()
gates = Gates(settings)
try:
    revision = read_revision(Path(settings.image.context))
    gates.reach_cluster()
except (GitError, ClusterError, Unreachable) as error:
    raise pulumi.RunError(str(error)) from None
version = revision.tag(settings.environment)

# A rollback writes fields that the engine owns: the next update takes them over again instead of stopping.
cluster = k8s.Provider(
    "cluster",
    kubeconfig=settings.cluster.kubeconfig,
    context=settings.cluster.context,
    enable_config_map_mutable=True,
    enable_patch_force=True,
)
inside = pulumi.ResourceOptions(providers=[cluster])

image = ReleaseImage("image", ImageArgs(settings.image, tag=version, version=version, revision=revision))
migration = Migration("migration", MigrationArgs(settings, image.reference, tag=version, check=gates.migrated), inside)
rollout = Rollout(
    "rollout",
    RolloutArgs(settings, image.reference, version),
    pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[migration])),
)
verification = Verification(
    "verification",
    VerificationArgs(
        settings, version, image.reference, configuration_hash(settings.application), revision.sha, gates.verified
    ),
    pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[rollout])),
)

pulumi.export("version", version)
pulumi.export("image", image.reference)
pulumi.export("health", str(settings.health.url))
