"""Whether the image of a commit exists already: in the registry, or as what another environment verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.releases import VerifiedRelease
from concerns.image import PromotionSettings
from evidence.errors import EvidenceError
from evidence.git import Revision
from evidence.registry import Registry


class PromotionError(EvidenceError):
    """The image of a commit must not be promoted; the text names why, and the mend."""


@dataclass(frozen=True)
class FoundImage:
    """An image that is not built again: `reference` is repository and digest.

    `promoted` says that another environment verified it and that this one's tag is still to be set.
    """

    reference: str
    promoted: bool = False

    @property
    def digest(self) -> str:
        """As `sha256:...`."""
        return self.reference.rpartition("@")[2]


def built_before(registry: Registry, tag: str) -> FoundImage | None:
    """Return the image behind `tag`, or None where the registry has no such tag. Raises RegistryError."""
    digest = registry.digest(tag)
    return None if digest is None else FoundImage(f"{registry.repository}@{digest}")


def verified_elsewhere(
    registry: Registry, source: PromotionSettings, verified: Sequence[VerifiedRelease], revision: Revision, tag: str
) -> FoundImage:
    """Return the image that `source` verified for the commit; `verified` are its releases, newest first.

    Raises PromotionError where it never verified the commit, or where `tag` names another image already;
    RegistryError where the registry cannot be asked.
    """
    found = next((each.release for each in verified if each.release.revision == revision.sha), None)
    if found is None or revision.changes:
        content = f"commit {revision.short}" + (" with changes that are not committed" if revision.changes else "")
        raise PromotionError(
            f"{content} was never verified by {source.deployment} in {source.namespace} ({_last(verified)}), and only"
            f" what was verified there is promoted; release it there first: pulumi up --stack <stack of"
            f" {source.namespace}>"
        )
    repository, _, digest = found.image.partition("@")
    if repository != registry.repository:
        raise PromotionError(
            f"{source.deployment} verified {found.version} from {repository}, and image.repository is"
            f" {registry.repository}; a tag is set within one repository: set image.repository to {repository}"
        )
    if registry.digest(digest) is None:
        raise PromotionError(
            f"the registry no longer has {found.image}, which {source.deployment} verified as {found.version};"
            f" release a new commit: pulumi up --stack <stack of {source.namespace}>"
        )
    standing = registry.digest(tag)
    if standing not in {None, digest}:
        raise PromotionError(
            f"{repository}:{tag} is {standing} already, and {source.deployment} verified {digest}; a tag is never"
            f" moved: release a new commit, or delete the tag where nothing runs it"
        )
    return FoundImage(found.image, promoted=True)


def _last(verified: Sequence[VerifiedRelease]) -> str:
    if not verified:
        return "nothing was verified there yet"
    last = verified[0].release
    return f"it verified last: {last.version}, commit {last.revision[:7]}, at {verified[0].verified_at:%Y-%m-%d %H:%M}"
