"""Whatever users of an API send and read today is noticed where it is no longer so; what is added is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.api.breaking import breaks
from evidence.api.document import ApiDocumentError, read_document
from tests.evidence.api.documents import (
    TEXT,
    Json,
    an_object,
    answering,
    broken,
    broken_answer,
    broken_parameter,
    broken_request,
    document,
    taking,
)

NUMBER: Json = {"type": "integer"}
NONE: Json = {"type": "null"}


def test_the_same_document_breaks_nothing() -> None:
    same = document({"/x": {"get": answering(an_object("a", a=TEXT)), "post": taking(an_object("a", a=TEXT))}})
    assert broken(same, same) == []


def test_a_path_or_a_method_that_is_gone() -> None:
    before = document({"/x": {"get": {}, "delete": {}}, "/y": {"get": {}}})
    assert broken(before, document({"/x": {"get": {}}})) == ["DELETE /x is gone", "GET /y is gone"]
    assert broken(document({"/x": {"get": {}}}), before) == []


def test_what_a_path_calls_its_parameter_is_nobodys_business() -> None:
    def of(name: str, schema: Json) -> Json:
        given = {"name": name, "in": "path", "required": True, "schema": schema}
        return document({f"/x/{{{name}}}": {"parameters": [given], "get": {}}})

    assert broken(of("id", TEXT), of("x_id", TEXT)) == []
    assert broken(of("id", TEXT), of("x_id", NUMBER)) == ["GET /x/{id}: path parameter id no longer takes string"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, {"required": True}, "q is new and required"),
        (None, {}, ""),
        ({}, {"required": True}, "q is now required"),
        ({"required": True}, {}, ""),
        ({}, None, "q is gone"),
        ({"schema": TEXT}, {"schema": NUMBER}, "q no longer takes string"),
        ({"schema": NUMBER}, {"schema": {"type": "number"}}, ""),
        ({"schema": {"type": "number"}}, {"schema": NUMBER}, "q no longer takes number"),
        (
            {"schema": {**NUMBER, "maximum": 200}},
            {"schema": {**NUMBER, "maximum": 100}},
            "q has maximum 100, and had 200",
        ),
        ({"schema": {**NUMBER, "maximum": 100}}, {"schema": {**NUMBER, "maximum": 200}}, ""),
        ({"schema": NUMBER}, {"schema": {**NUMBER, "minimum": 1}}, "q has minimum 1"),
        ({"schema": {"enum": ["a", "b"]}}, {"schema": {"enum": ["a"]}}, "q no longer takes 'b'"),
        ({"schema": {"enum": ["a"]}}, {"schema": {"enum": ["a", "b"]}}, ""),
        ({"schema": TEXT}, {"schema": {"const": "a"}}, "q no longer takes all but a few words"),
        ({"schema": TEXT}, {"schema": {**TEXT, "pattern": "^a"}}, "q must match ^a"),
        ({"schema": {**TEXT, "pattern": "^a"}}, {"schema": TEXT}, ""),
        ({"schema": TEXT}, {"schema": {**TEXT, "format": "date"}}, "q is of format date, and was of none"),
        ({"schema": {**TEXT, "format": "date"}}, {"schema": TEXT}, ""),
    ],
)
def test_a_parameter_must_go_on_being_taken(before: Json | None, after: Json | None, told: str) -> None:
    assert broken_parameter(before, after) == ([f"GET /x: query parameter {told}"] if told else [])


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (an_object(a=TEXT), an_object("b", a=TEXT, b=TEXT), ["b is new and required"]),
        (an_object(a=TEXT), an_object(a=TEXT, b=TEXT), []),
        (an_object(a=TEXT), an_object("a", a=TEXT), ["a is now required"]),
        (an_object("a", a=TEXT), an_object(a=TEXT), []),
        (an_object(a=TEXT, b=TEXT), an_object(a=TEXT), ["b is gone"]),
        (
            an_object(a=TEXT),
            {**an_object(a=TEXT), "additionalProperties": False},
            ["takes no other properties any more"],
        ),
        (an_object(a={"anyOf": [TEXT, NONE]}), an_object(a=TEXT), ["a no longer takes null"]),
        (an_object(a=TEXT), an_object(a={"anyOf": [TEXT, NONE]}), []),
        (an_object(a={"const": "x"}), an_object(a={"anyOf": [{"enum": ["x"], "type": "string"}, NONE]}), []),
        (an_object(a={"type": ["string", "null"]}), an_object(a={**TEXT, "nullable": True}), []),
        (
            an_object(a=an_object(b=TEXT)),
            an_object(a=an_object("c", b=TEXT, c=TEXT)),
            ["a.c is new and required"],
        ),
    ],
)
def test_a_request_must_go_on_being_taken(before: Json, after: Json, told: list[str]) -> None:
    assert broken_request(before, after) == [f"POST /x: request {each}" for each in told]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (an_object(a=TEXT, b=TEXT), an_object(a=TEXT), ["b is gone"]),
        (an_object(a=TEXT), an_object(a=TEXT, b=TEXT), []),
        (an_object("a", a=TEXT), an_object(a=TEXT), ["a may now be left out"]),
        (an_object(a=TEXT), an_object("a", a=TEXT), []),
        (an_object(a=TEXT), an_object(a=NUMBER), ["a may now be integer"]),
        (an_object(a={"type": "number"}), an_object(a=NUMBER), []),
        (an_object(a=NUMBER), an_object(a={"type": "number"}), ["a may now be number"]),
        (an_object(a=TEXT), an_object(a={"anyOf": [TEXT, NONE]}), ["a may now be null"]),
        (an_object(a={"anyOf": [TEXT, NONE]}), an_object(a=TEXT), []),
        (an_object(a={**TEXT, "maxLength": 9}), an_object(a={**TEXT, "maxLength": 5}), []),
        (an_object(a={**TEXT, "format": "date"}), an_object(a=TEXT), ["a is of format none, and was of date"]),
        (
            {"type": "array", "items": an_object(a=TEXT)},
            {"type": "array", "items": an_object()},
            ["[].a is gone"],
        ),
        (
            {"allOf": [an_object("a", a=TEXT), an_object("b", b=TEXT)]},
            an_object("a", a=TEXT),
            ["b is gone"],
        ),
    ],
)
def test_what_an_answer_says_stays(before: Json, after: Json, told: list[str]) -> None:
    assert broken_answer(before, after) == [f"GET /x: answer {each}" for each in told]


def test_a_status_of_success_and_a_kind_of_content_stay() -> None:
    before = document({"/x": {"get": answering(TEXT, status="201")}})
    assert broken(before, document({"/x": {"get": answering(TEXT)}})) == ["GET /x: answer is 201 no more"]
    other = document({"/x": {"get": answering(TEXT, status="201", kind="text/plain")}})
    assert broken(before, other) == ["GET /x: answer is application/json no more"]


def test_how_something_goes_wrong_may_change() -> None:
    assert broken(document({"/x": {"get": answering(TEXT, status="422")}}), document({"/x": {"get": {}}})) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, taking(TEXT), ["POST /x: request must have a body"]),
        ({}, taking(TEXT, required=False), []),
        (taking(TEXT, required=False), taking(TEXT), ["POST /x: request must have a body"]),
        (taking(TEXT), {}, ["POST /x: request takes no body any more"]),
    ],
)
def test_a_body_is_asked_for_or_taken_as_before(before: Json, after: Json, told: list[str]) -> None:
    assert broken(document({"/x": {"post": before}}), document({"/x": {"post": after}})) == told


def test_references_are_followed_even_where_a_schema_holds_itself() -> None:
    def tree(**fields: Any) -> Json:
        reference = {"$ref": "#/components/schemas/Tree"}
        node = an_object(below={"type": "array", "items": reference}, **fields)
        return document({"/x": {"get": answering(reference)}}, Tree=node)

    assert broken(tree(name=TEXT), tree(name=TEXT)) == []
    found = broken(tree(name=TEXT), tree())
    assert found[0] == "GET /x: answer name is gone"


def test_a_break_is_named_by_its_path_or_its_field() -> None:
    before = document({"/x": {"get": answering(an_object(owner=TEXT))}})
    old = read_document(json.dumps(before), "before")
    new = read_document(json.dumps(document({"/x": {"get": answering(an_object())}})), "after")
    [found] = breaks(old, new)
    assert found.is_named_in("drop the field Owner: use owners")
    assert found.is_named_in("GET /x is smaller")
    assert not found.is_named_in("something else")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no", "is no JSON"),
        ("[]", "is no OpenAPI document"),
        ('{"swagger": "2.0"}', "is no OpenAPI document"),
        ('{"openapi": "3.1.0"}', "paths is no object"),
        ('{"openapi": "3.1.0", "paths": {"/x": 1}}', "path /x is no object"),
        ('{"openapi": "3.1.0", "paths": {"/x": {"get": {"parameters": 1}}}}', "parameters are no list"),
        ('{"openapi": "3.1.0", "paths": {"/x": {"$ref": "#/a"}}}', "refers to #/a, which is not in it"),
        ('{"openapi": "3.1.0", "paths": {"/x": {"$ref": "other.json#/a"}}}', "which is not in it"),
        ('{"openapi": "3.1.0", "paths": {"/x": {"$ref": "#/paths/~1x"}}}', "in a circle"),
    ],
)
def test_what_cannot_be_understood_is_said_and_never_taken_for_unbroken(text: str, why: str) -> None:
    with pytest.raises(ApiDocumentError, match=why):
        breaks(read_document(text, "it"), read_document(text, "it"))
