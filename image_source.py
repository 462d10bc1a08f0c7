"""Where the image of a release comes from, by the settings: a build, the registry, or another environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.waiting import Reporter
from cluster.access import connect
from cluster.errors import GateFailed
from cluster.releases import VerifiedReleases
from evidence.errors import EvidenceError
from evidence.git import Revision
from evidence.image import FoundImage, built_before, verified_elsewhere
from evidence.registry import Credentials, Registry
from settings import Settings


@dataclass(frozen=True)
class ImageSource:
    """Finds the image of a revision. It builds none: that is the program's `ReleaseImage`."""

    settings: Settings

    def find(self, revision: Revision) -> FoundImage | None:
        """Return the image of `revision` that is not built again, or None where it is to be built.

        Raises EvidenceError, ClusterError or Unreachable: an image that cannot be asked for is not taken for missing.
        """
        image, tag = self.settings.image, revision.tag(self.settings.environment)
        if image.promote_from is not None:
            source = image.promote_from
            elsewhere = connect(self.settings.cluster.kubeconfig, self.settings.cluster.context, source.namespace)
            verified = VerifiedReleases(elsewhere, source.deployment).read()
            with self.registry() as registry:
                return verified_elsewhere(registry, source, verified, revision, tag)
        if image.reuse:
            with self.registry() as registry:
                return built_before(registry, tag)
        return None

    def existing(self, revision: Revision) -> FoundImage | None:
        """Return the image of `revision` that there is now, whether or not an update would build it again.

        Raises as `find` does.
        """
        found = self.find(revision)
        if found is not None:
            return found
        with self.registry() as registry:
            return built_before(registry, revision.tag(self.settings.environment))

    def promote(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Give the image that the record names the tag that it names. Raises GateFailed."""
        repository, _, digest = record["image"].partition("@")
        try:
            with self.registry() as registry:
                registry.retag(digest, record["tag"])
        except EvidenceError as error:
            raise GateFailed(f"the image is not promoted: {error}. Nothing else was changed") from error
        reporter.line(f"promotion: {repository}:{record['tag']} is {digest}")

    def registry(self, repository: str = "") -> Registry:
        """Return the registry of `repository`, by default that of the release's image; the caller closes it."""
        repository = repository or self.settings.image.repository
        sign_in = self.settings.image.registry
        # A password is for the registry that it is configured for, whatever repository is named beside it.
        if sign_in is None or sign_in.server.rpartition("://")[2].strip("/") != repository.partition("/")[0]:
            return Registry(repository, None)
        return Registry(repository, Credentials(sign_in.username, sign_in.password.get_secret_value()))
