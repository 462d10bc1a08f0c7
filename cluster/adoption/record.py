"""The record of a takeover: what is wanted, written down before anything is changed, and kept as its proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from cluster.api import Cluster
from cluster.config_map import change_config_map
from cluster.errors import ClusterError
from cluster.names import Names

_KEY = "adoption.json"


class Adoption(BaseModel):
    """One takeover. `what` says it in one line.

    `uid` is that of the Deployment as it was found; `wanted` is the one that takes its place, or empty where the
    Deployment stays and only gets labels; `replica_sets` and `pods` (name to uid) are what goes on as it is.
    """

    model_config = ConfigDict(frozen=True)

    what: str
    done: bool = False
    uid: str
    by_hand: bool
    version: str
    image: str
    replica_sets: tuple[str, ...]
    pods: Mapping[str, str]
    wanted: Mapping[str, Any]


class AdoptionRecord:
    """Reads and writes the ConfigMap `<deployment>-adoption`."""

    def __init__(self, cluster: Cluster, names: Names) -> None:
        self._cluster = cluster
        self.name = names.record("adoption")

    def read(self) -> Adoption | None:
        """Return the takeover on record, or None. Raises ClusterError where the record is damaged."""
        found = self._cluster.config_map(self.name)
        if found is None:
            return None
        try:
            return Adoption.model_validate_json((found.get("data") or {}).get(_KEY, ""))
        except ValueError as error:
            raise ClusterError(
                f"ConfigMap {self.name} does not hold the record of a takeover",
                mend=f"kubectl -n {self._cluster.namespace} delete configmap {self.name}, if its Deployment is there",
            ) from error

    def write(self, adoption: Adoption) -> None:
        """Write the record. Raises ClusterError if others write it at the same time."""
        change_config_map(self._cluster, self.name, lambda _found: {_KEY: adoption.model_dump_json()})
