"""What of a release stands on the cluster and was not put there by this program."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.api import Cluster, JsonObject
from cluster.names import SERVING, SERVING_LABEL, STABLE, VERSION, Names

APPS = "apis/apps/v1"
CORE = "api/v1"
TRACK_LABEL = "track"
_RELEASE_VERSION = "RELEASE_VERSION"
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Found:
    """The Deployment of a stack as it stands, and the ReplicaSets and pods that are its own."""

    names: Names
    deployment: JsonObject
    replica_sets: tuple[JsonObject, ...]
    pods: tuple[JsonObject, ...]

    @property
    def uid(self) -> str:
        """The Deployment's uid."""
        uid: str = self.deployment["metadata"]["uid"]
        return uid

    @property
    def template(self) -> JsonObject:
        """The Deployment's pod template."""
        template: JsonObject = self.deployment["spec"]["template"]
        return template

    @property
    def by_hand(self) -> bool:
        """Whether the Deployment selects other pods than the release's stable does, which nobody can change."""
        wanted = {"matchLabels": selector_of(self.names)}
        return bool(self.deployment["spec"]["selector"] != wanted)

    @property
    def labelled(self) -> bool:
        """Whether the pods to come carry what the Service and the Deployment of a release select by."""
        labels = self.template["metadata"].get("labels") or {}
        return all(labels.get(key) == value for key, value in fixed_labels(self.names).items())


def find(cluster: Cluster, names: Names) -> Found | None:
    """Return what stands under the name of the Deployment, or None. Raises ClusterError or Unreachable."""
    deployment = cluster.get(APPS, "deployments", names.deployment)
    if deployment is None:
        return None
    sets = [item for item in cluster.objects(APPS, "replicasets") if owner(item) == deployment["metadata"]["uid"]]
    uids = {item["metadata"]["uid"] for item in sets}
    pods = [item for item in cluster.objects(CORE, "pods") if owner(item) in uids and not ended(item)]
    return Found(names, deployment, tuple(sets), tuple(pods))


def selector_of(names: Names) -> dict[str, str]:
    """Return the labels by which stable knows its pods."""
    return {"app": names.app, TRACK_LABEL: STABLE}


def fixed_labels(names: Names) -> dict[str, str]:
    """Return the labels that every pod of stable carries that serves."""
    return {**selector_of(names), **SERVING}


def labels_to_add(template: Mapping[str, Any], names: Names) -> dict[str, str]:
    """Return the labels that `template` is to carry as stable's, whether it does already or not."""
    version = version_of(template)
    known = {VERSION: version} if _LABEL_VALUE.fullmatch(version) else {}
    return {**known, **fixed_labels(names)}


def with_labels(template: Mapping[str, Any], labels: Mapping[str, str]) -> JsonObject:
    """Return `template` with the labels beside its own."""
    changed: JsonObject = copy.deepcopy(dict(template))
    metadata = changed.setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    return changed


def version_of(template: Mapping[str, Any]) -> str:
    """Return the version that a pod template names: by its label, its RELEASE_VERSION, or the tag of its image."""
    labelled: str | None = (template.get("metadata", {}).get("labels") or {}).get(VERSION)
    if labelled:
        return labelled
    for container in template["spec"]["containers"]:
        for variable in container.get("env") or []:
            if variable["name"] == _RELEASE_VERSION and variable.get("value"):
                value: str = variable["value"]
                return value
    name, _, digest = image_of(template).partition("@")
    tag: str = name.rpartition("/")[2].partition(":")[2]
    return tag or (digest.partition(":")[2][:12] if digest else "latest")


def image_of(template: Mapping[str, Any]) -> str:
    """Return the image of the first container."""
    image: str = template["spec"]["containers"][0].get("image", "")
    return image


def owner(item: Mapping[str, Any]) -> str:
    """Return the uid of the controller that owns the object; empty where none does."""
    references = item["metadata"].get("ownerReferences") or []
    return next((str(each["uid"]) for each in references if each.get("controller")), "")


def ended(pod: Mapping[str, Any]) -> bool:
    """Whether the pod has ended for good or is on its way out."""
    leaving = "deletionTimestamp" in pod["metadata"]
    return leaving or pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}


def lacks_serving(pod: Mapping[str, Any]) -> bool:
    """Whether nobody has said yet if the pod serves; one that was taken out of the Service says no."""
    return SERVING_LABEL not in (pod["metadata"].get("labels") or {})


def name_of(item: Mapping[str, Any]) -> str:
    """Return the object's name."""
    name: str = item["metadata"]["name"]
    return name
