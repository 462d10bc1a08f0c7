"""What a release finds before anything of it is begun: its commit, its image, the cluster, and its checklist."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi

from checks.reader import Unreachable
from cluster.errors import ClusterError
from cluster.standing import Standing
from evidence.checklist.checklist import Checklist
from evidence.errors import EvidenceError
from evidence.git import Revision
from evidence.image import FoundImage
from evidence.release import read_release
from gates import Gates
from settings import Settings
from watching import WatchFound


@dataclass(frozen=True)
class Situation:
    """`image` is None where this update builds it, `checklist` where the environment requires no item."""

    revision: Revision
    image: FoundImage | None
    standing: Standing
    checklist: Checklist | None
    watch: WatchFound


def look(settings: Settings, gates: Gates) -> Situation:
    """Return what there is. Raises pulumi.RunError with one line for a person where no release can begin from it."""
    try:
        revision = read_release(Path(settings.image.context), settings.release)
        gates.reach_cluster()
        image = gates.images.find(revision)
        standing = gates.look_at(revision, image)
        asked = {**gates.release_of(revision), "image": image.reference if image else ""}
        watch = gates.watching.look_at(standing, asked)
        return Situation(revision, image, standing, gates.checklist(revision, image), watch)
    except (EvidenceError, ClusterError, Unreachable) as error:
        raise pulumi.RunError(str(error)) from None
