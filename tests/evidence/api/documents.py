"""Small OpenAPI documents, and what one breaks of another."""

from __future__ import annotations

import json
from typing import Any

from evidence.api.breaking import breaks
from evidence.api.document import read_document

Json = dict[str, Any]
TEXT: Json = {"type": "string"}


def document(paths: Json, **schemas: Any) -> Json:
    return {"openapi": "3.1.0", "info": {"title": "an API"}, "paths": paths, "components": {"schemas": schemas}}


def answering(schema: Json, *, status: str = "200", kind: str = "application/json") -> Json:
    return {"responses": {status: {"description": "well", "content": {kind: {"schema": schema}}}}}


def taking(schema: Json, *, required: bool = True) -> Json:
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def an_object(*required: str, **properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


def broken(before: Json, after: Json) -> list[str]:
    old, new = read_document(json.dumps(before), "before"), read_document(json.dumps(after), "after")
    return [each.text for each in breaks(old, new)]


def broken_answer(before: Json, after: Json) -> list[str]:
    """Return what is broken where GET /x answers one schema, and then the other."""
    return broken(document({"/x": {"get": answering(before)}}), document({"/x": {"get": answering(after)}}))


def broken_request(before: Json, after: Json) -> list[str]:
    """Return what is broken where POST /x takes one schema, and then the other."""
    return broken(document({"/x": {"post": taking(before)}}), document({"/x": {"post": taking(after)}}))


def broken_parameter(before: Json | None, after: Json | None) -> list[str]:
    """Return what is broken where GET /x has a query parameter `q`, and then another; None where it has none."""
    then, now = ([] if one is None else [{"name": "q", "in": "query", **one}] for one in (before, after))
    return broken(document({"/x": {"get": {"parameters": then}}}), document({"/x": {"get": {"parameters": now}}}))
