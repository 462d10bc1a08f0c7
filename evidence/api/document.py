"""An OpenAPI document (3.0 or 3.1): its operations, and whatever it refers to inside itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evidence.errors import EvidenceError

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# A reference that leads to a reference, and so on: more is a circle.
_MOST_REFERENCES = 20

Json = Mapping[str, Any]


class ApiDocumentError(EvidenceError):
    """What should be an OpenAPI document is none, or refers to what is not in it; the text says what is wrong."""


@dataclass(frozen=True)
class Operation:
    """One method of one path. `parameters` are found by place and name; those of a path by their position in it."""

    method: str
    path: str
    parameters: Mapping[tuple[str, str], Json]
    body: Json | None
    responses: Json

    @property
    def name(self) -> str:
        """As a person says it."""
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True)
class ApiDocument:
    """A document that was read from `source`, which messages name."""

    source: str
    content: Json

    def operations(self) -> dict[tuple[str, str], Operation]:
        """Return the operations by method and path, whatever the path calls its parameters.

        Raises ApiDocumentError.
        """
        found = {}
        for path, item in _object(self.content.get("paths"), f"{self.source}: paths").items():
            entry = self.resolved(_object(item, f"{self.source}: path {path}"))
            for method in METHODS:
                if method in entry:
                    operation = self._operation(method, path, entry)
                    found[method, _PLACEHOLDER.sub("{}", path)] = operation
        return found

    def resolved(self, value: Any) -> Json:  # noqa: ANN401
        """Return an object, or the one that it refers to. Raises ApiDocumentError."""
        for _ in range(_MOST_REFERENCES):
            entry = _object(value, f"{self.source}: what should be an object")
            reference = entry.get("$ref")
            if not isinstance(reference, str):
                return entry
            value = self._at(reference)
        raise ApiDocumentError(f"{self.source} refers to itself in a circle")

    def _at(self, reference: str) -> Any:  # noqa: ANN401
        place, *keys = reference.split("/")
        found: Any = self.content
        for key in keys:
            name = key.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        if place != "#" or found is None:
            raise ApiDocumentError(f"{self.source} refers to {reference[:120]}, which is not in it")
        return found

    def _operation(self, method: str, path: str, item: Json) -> Operation:
        entry = _object(item[method], f"{self.source}: {method} of {path}")
        order = [each[1:-1] for each in _PLACEHOLDER.findall(path)]
        parameters = {}
        # What an operation says of a parameter replaces what its path says of it.
        for parameter in (*self._listed(item), *self._listed(entry)):
            place, name = str(parameter.get("in")), str(parameter.get("name"))
            key = str(order.index(name)) if place == "path" and name in order else name
            parameters[place, key] = parameter
        body = entry.get("requestBody")
        return Operation(
            method,
            path,
            parameters,
            None if body is None else self.resolved(body),
            _object(entry.get("responses", {}), f"{self.source}: responses of {method} {path}"),
        )

    def _listed(self, entry: Json) -> Iterator[Json]:
        found = entry.get("parameters", [])
        if not isinstance(found, list):
            raise ApiDocumentError(f"{self.source}: parameters are no list")
        yield from map(self.resolved, found)


def read_document(text: str | bytes, source: str) -> ApiDocument:
    """Return the OpenAPI document that `text` holds as JSON. Raises ApiDocumentError."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ApiDocumentError(f"{source} is no JSON") from None
    version = content.get("openapi") if isinstance(content, dict) else None
    if not isinstance(version, str) or not version.startswith("3."):
        raise ApiDocumentError(f"{source} is no OpenAPI document of version 3")
    return ApiDocument(source, content)


def _object(value: Any, what: str) -> Json:  # noqa: ANN401
    if not isinstance(value, Mapping):
        raise ApiDocumentError(f"{what} is no object")
    return value
