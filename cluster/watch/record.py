"""Where the watch writes down how far it has come: a ConfigMap beside the Deployment, of the last release watched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cluster.api import Cluster
from cluster.config_map import change_config_map
from cluster.errors import ClusterError
from cluster.names import Names
from cluster.release import Release
from cluster.releases import VerifiedReleases, serving_release
from cluster.watch.state import End, WatchState

_KEY = "watch.json"


class WatchRecord:
    """Reads and writes the ConfigMap `<deployment>-watch`."""

    def __init__(self, cluster: Cluster, names: Names) -> None:
        self._cluster = cluster
        self.name = names.record("watch")

    def read(self) -> WatchState | None:
        """Return the watch on record, or None. Raises ClusterError (also where it is damaged) or Unreachable."""
        found = self._cluster.config_map(self.name)
        return None if found is None else self._parsed(found)

    def begin(self, key: str, release: Release, now: datetime) -> WatchState:
        """Return the watch called `key` as it stands, or a new one in place of that of an older release.

        One that ended without having seen enough is begun anew. Raises ClusterError or Unreachable.
        """
        known = self.read()
        if known is not None and known.key == key and known.end is not End.UNSEEN:
            return known
        state = WatchState(key=key, identity=release.identity, version=release.version, began_at=now, looked_at=now)
        self.keep(state, instead_of=known.key if known is not None else None)
        return state

    def keep(self, state: WatchState, *, instead_of: str | None = None) -> None:
        """Write `state`. Raises ClusterError or Unreachable; also where the watch of a newer release is on record.

        `instead_of` names a watch that it takes the place of.
        """

        def written(found: object) -> Mapping[str, str]:
            known = self._parsed(found) if isinstance(found, dict) else None
            if known is not None and known.key not in {state.key, instead_of}:
                raise ClusterError(f"ConfigMap {self.name} is that of the watch of {known.version} by now")
            return {_KEY: state.model_dump_json()}

        change_config_map(self._cluster, self.name, written)

    def _parsed(self, found: Mapping[str, object]) -> WatchState:
        data = found.get("data")
        try:
            return WatchState.model_validate_json(data[_KEY] if isinstance(data, Mapping) else "")
        except (ValueError, KeyError) as error:
            raise ClusterError(
                f"ConfigMap {self.name} does not say what is watched",
                mend=f"kubectl -n {self._cluster.namespace} delete configmap {self.name}",
            ) from error


def is_settled(cluster: Cluster, names: Names, asked: Mapping[str, str]) -> bool:
    """Whether the release `asked` (version, configuration, and its image if known) serves, verified, and unwatched.

    An update to it then leaves the watch as it is, whichever release it was of: after a rollback that is the one that
    was left. Raises ClusterError or Unreachable.
    """
    serving = serving_release(cluster, names.deployment)
    last = VerifiedReleases(cluster, names.deployment).last()
    if serving is None or last is None or serving.release != last.release:
        return False
    release = serving.release.model_dump()
    if any(asked.get(key) and release[key] != asked[key] for key in ("version", "configuration", "image")):
        return False
    try:
        watch = WatchRecord(cluster, names).read()
    except ClusterError:
        return False
    # An update that was killed while it watched goes on with it, and so does one that has not seen enough.
    return watch is None or watch.identity != serving.release.identity or watch.end not in {None, End.UNSEEN}
