"""What is to be taken over, and what takes its place."""

from __future__ import annotations

import copy

from checks.rollout import REVISION
from cluster.adoption.record import Adoption, AdoptionRecord
from cluster.adoption.standing_by_hand import (
    Found,
    find,
    fixed_labels,
    image_of,
    labels_to_add,
    name_of,
    selector_of,
    version_of,
    with_labels,
)
from cluster.api import Cluster, JsonObject
from cluster.names import Names
from cluster.ownership import LAST_APPLIED
from cluster.selectors import told


def needs_adoption(cluster: Cluster, names: Names) -> str | None:
    """Return one line that says what the next update takes over, or None; changes nothing.

    Raises ClusterError or Unreachable.
    """
    record = AdoptionRecord(cluster, names).read()
    if record is not None and not record.done:
        return record.what
    found = find(cluster, names)
    return None if found is None else what_is_due(found)


def adoption_of(cluster: Cluster, names: Names) -> str | None:
    """Return the line of the takeover that is due or, where none is, of the one that was done; None without either.

    It says the same before and after the update that takes over: what is made of it shows no change afterwards.
    """
    due = needs_adoption(cluster, names)
    if due is not None:
        return due
    record = AdoptionRecord(cluster, names).read()
    return None if record is None else record.what


def what_is_due(found: Found) -> str | None:
    """Return one line that says what of `found` is to be taken over, or None."""
    name, namespace = found.names.deployment, found.deployment["metadata"]["namespace"]
    if found.by_hand:
        selector = told(found.deployment["spec"]["selector"].get("matchLabels"))
        return (
            f"Deployment {name} in {namespace}, made by hand (selector {selector}), is taken over with its pods as they"
            f" are; version {version_of(found.template)} becomes the release to go back to"
        )
    if not found.labelled:
        wanted = told(fixed_labels(found.names))
        return f"Deployment {name} in {namespace} and its pods get the labels {wanted}; no pod is replaced"
    return None


def adoption_for(found: Found) -> Adoption:
    """Return the takeover of `found`, which has not been begun."""
    return Adoption(
        what=what_is_due(found) or "",
        uid=found.uid,
        by_hand=found.by_hand,
        version=version_of(found.template),
        image=image_of(found.template),
        replica_sets=tuple(name_of(each) for each in found.replica_sets),
        pods={name_of(pod): pod["metadata"]["uid"] for pod in found.pods},
        wanted=_wanted(found) if found.by_hand else {},
    )


def _wanted(found: Found) -> JsonObject:
    """Return the Deployment that takes the other one's place, paused."""
    metadata, spec = found.deployment["metadata"], copy.deepcopy(found.deployment["spec"])
    gone = {LAST_APPLIED, REVISION}
    kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in gone}
    labels = {**(metadata.get("labels") or {}), "app": found.names.app}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": kept,
        },
        "spec": {
            **spec,
            "paused": True,
            "selector": {"matchLabels": selector_of(found.names)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": with_labels(found.template, labels_to_add(found.template, found.names)),
        },
    }
