"""A change of a ConfigMap that several runs may write at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cluster.api import Cluster, JsonObject
from cluster.errors import ClusterError

ATTEMPTS = 5
WAIT_FOR_THE_OTHER = "wait until the other run has ended and run the same command again"


def change_config_map(
    cluster: Cluster,
    name: str,
    change: Callable[[JsonObject | None], Mapping[str, str] | None],
    *,
    mend: str = WAIT_FOR_THE_OTHER,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Write what `change` makes of the ConfigMap as it stands (None: there is none), on top of nobody's later write.

    `change` is asked again, at most five times, where somebody else was faster; None from it writes nothing. Raises
    ClusterError with `mend` where others were faster each time.
    """
    for _ in range(ATTEMPTS):
        found = cluster.config_map(name)
        data = change(found)
        if data is None:
            return
        version = None if found is None else found["metadata"]["resourceVersion"]
        if cluster.write_config_map(name, data, resource_version=version, labels=labels):
            return
    raise ClusterError(f"ConfigMap {name} was changed by somebody else {ATTEMPTS} times in a row", mend=mend)
