"""The intention of a person to go back, written down before anything is changed and deleted once it is done.

Whoever is killed in between and runs the same command again means the same release, not the one before it.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from cluster.api import Cluster
from cluster.config_map import change_config_map
from cluster.errors import ClusterError
from cluster.names import Names
from cluster.releases import VerifiedRelease

_KEY = "going-back.json"


class Intention(BaseModel):
    """`by` wanted to go back to the release of that identity at `at`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: str
    version: str
    by: str
    at: AwareDatetime


class GoingBackRecord:
    """Reads and writes the ConfigMap `<deployment>-going-back`."""

    def __init__(self, cluster: Cluster, names: Names) -> None:
        self._cluster = cluster
        self.name = names.record("going-back")

    def unfinished(self, releases: list[VerifiedRelease]) -> VerifiedRelease | None:
        """Return which of the verified releases somebody has begun to go back to, or None.

        What was verified after that has come in its place. Raises ClusterError or Unreachable.
        """
        found = self._cluster.config_map(self.name)
        if found is None:
            return None
        try:
            intention = Intention.model_validate_json((found.get("data") or {}).get(_KEY, ""))
        except ValueError as error:
            raise ClusterError(
                f"ConfigMap {self.name} does not say which release to go back to",
                mend=f"kubectl -n {self._cluster.namespace} delete configmap {self.name}",
            ) from error
        if any(each.verified_at > intention.at for each in releases):
            return None
        return next((each for each in releases if each.release.identity == intention.identity), None)

    def begin(self, to: VerifiedRelease, by: str, at: datetime) -> None:
        """Write down that `by` goes back to `to`. Raises ClusterError or Unreachable."""
        intention = Intention(identity=to.release.identity, version=to.release.version, by=by, at=at)
        change_config_map(self._cluster, self.name, lambda _found: {_KEY: intention.model_dump_json()})

    def end(self) -> None:
        """Forget the intention: it is done. Raises ClusterError or Unreachable."""
        self._cluster.delete_config_map(self.name)
