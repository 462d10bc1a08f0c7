"""Rules about how images are named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.rules.pods import containers, name_of, workload
from policies.rules.rule import Found, Properties, Unknown, at, is_unknown

BUILD = "docker:index/image:Image"
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
TAG = re.compile(r":(?P<tag>[\w][\w.-]*)$")


def image_by_digest(properties: Properties) -> Found:
    """Refuse an image by tag, and one that is not known yet unless this very update builds it.

    Where nobody can tell yet what an unknown image comes from, it passes: it is judged again, by whoever can tell in
    the preview, and by everybody in the update, which knows it.
    """
    return [
        f"{name_of(each)} has image {image!r}, which is no digest"
        if not is_unknown(image)
        else f"{name_of(each)} has an image that is not known yet and that this update does not build"
        for each, image in ((each, at(each, "image")) for each in containers(properties))
        if not _built_here(image) and not DIGEST.search(str(image))
    ]


def _built_here(image: Any) -> bool:  # noqa: ANN401
    return isinstance(image, Unknown) and (image.origins is None or BUILD in image.origins)


def no_latest(properties: Properties) -> Found:
    """Refuse `latest`, as a tag or as what no tag and no digest means. For a workload and for a build."""
    named = [(name_of(each), at(each, "image")) for each in containers(properties)]
    built = at(properties, "imageName")
    if is_unknown(built):
        return ["nobody can tell yet what the image that is built is called"]
    if built is not None:
        named.append(("the build", built))
    return [f"{name} has image {image!r}, which is latest" for name, image in named if _is_latest(image)]


def _is_latest(image: Any) -> bool:  # noqa: ANN401
    if is_unknown(image):
        return False
    name, _, digest = str(image).partition("@")
    found = TAG.search(name)
    return found["tag"] == "latest" if found else not digest


@dataclass(frozen=True)
class Declared:
    """One resource of a whole stack. `origins` are the types of what each property is made from."""

    urn: str
    kind: str
    properties: Mapping[str, Any]
    origins: Mapping[str, Sequence[str]]


def unknown_images_are_built_here(stack: Sequence[Declared]) -> dict[str, Found]:
    """Return by URN the workloads whose image is not known yet and comes from something else than a build."""
    found = {
        each.urn: [text for text in image_by_digest(_told(each)) if "not known yet" in text]
        for each in stack
        if workload(each.kind)
    }
    return {urn: texts for urn, texts in found.items() if texts}


def _told(declared: Declared) -> dict[str, Any]:
    """Return the properties with each unknown value told what it comes from."""
    return {
        key: _with_origins(value, frozenset(declared.origins.get(key, ())))
        for key, value in declared.properties.items()
    }


def _with_origins(value: Any, origins: frozenset[str]) -> Any:  # noqa: ANN401
    if is_unknown(value):
        return Unknown(origins)
    if isinstance(value, Mapping):
        return {key: _with_origins(below, origins) for key, below in value.items()}
    if isinstance(value, list):
        return [_with_origins(below, origins) for below in value]
    return value


def kind_in(urn: str) -> str:
    """Return the type token of the resource with this URN; empty where it is none."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if len(parts) > 3 else ""
