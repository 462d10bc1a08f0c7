"""Which image a release built from the commit that was approved before there was one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from cluster.api import Cluster, JsonObject
from cluster.config_map import change_config_map

KEPT = 50


class BuiltImage(BaseModel):
    """The image of a version: the commit that it was built from, and its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    digest: str
    at: AwareDatetime


class BuiltImages:
    """The ConfigMap `<deployment>-built`, one key for each version. Written by the update that has built an image."""

    def __init__(self, cluster: Cluster, deployment: str) -> None:
        self._cluster = cluster
        self.name = f"{deployment}-built"

    def digest(self, version: str, commit: str) -> str:
        """Return the digest that was built from the commit for the version, empty where none is on record.

        Raises ClusterError or Unreachable.
        """
        found = _parse(_data(self._cluster.config_map(self.name)).get(version))
        return found.digest if found is not None and found.commit == commit else ""

    def add(self, version: str, commit: str, digest: str, at: datetime) -> None:
        """Record what was built. Raises ClusterError or Unreachable."""
        built = BuiltImage(commit=commit, digest=digest, at=at).model_dump_json()

        def with_it(found: JsonObject | None) -> Mapping[str, str]:
            others = {key: text for key, text in _data(found).items() if key != version}
            stamps = {key: each.at.timestamp() for key, text in others.items() if (each := _parse(text)) is not None}
            newest = sorted(stamps, key=stamps.__getitem__)[-(KEPT - 1) :]
            return {**{key: others[key] for key in newest}, version: built}

        change_config_map(self._cluster, self.name, with_it)


def _data(found: Mapping[str, Any] | None) -> dict[str, str]:
    return {} if found is None else dict(found.get("data") or {})


def _parse(text: str | None) -> BuiltImage | None:
    try:
        return None if text is None else BuiltImage.model_validate_json(text)
    except ValueError:
        return None
