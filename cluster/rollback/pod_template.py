"""What a pod template runs, and how one is made from another. Plain functions over the JSON of a template."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from cluster.names import CANARY, STABLE

Template = Mapping[str, Any]
TRACK = "track"
# What a container does. Probes, labels and what a person or an upgrade of the cluster added say nothing of the release.
_RUN = ("image", "command", "args", "envFrom", "resources")


def what_runs(template: Template) -> dict[str, Any]:
    """Return what tells one release from another: image, command, environment and resources of each container.

    Two templates of the same release give the same, whatever was added to their metadata by hand.
    """
    return {
        kind: {container["name"]: _run(container) for container in template["spec"].get(kind) or []}
        for kind in ("initContainers", "containers")
    }


def _run(container: Mapping[str, Any]) -> dict[str, Any]:
    environment = {entry["name"]: entry for entry in container.get("env") or []}
    return {**{key: container[key] for key in _RUN if container.get(key)}, "env": environment}


def is_as(found: Template, wanted: Template) -> bool:
    """Whether `found` is `wanted` but for annotations and labels that were added, as by `kubectl rollout restart`."""
    labels, asked = (each.get("metadata", {}).get("labels") or {} for each in (found, wanted))
    return bool(found["spec"] == wanted["spec"]) and asked.items() <= labels.items()


def as_canary(template: Template) -> dict[str, Any]:
    """Return stable's template as the canary's: it differs in the label `track`, wherever pods are selected by it."""
    made: dict[str, Any] = _on_track(template)
    return made


def _on_track(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {key: CANARY if key == TRACK and below == STABLE else _on_track(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_on_track(below) for below in value]
    return copy.deepcopy(value)
