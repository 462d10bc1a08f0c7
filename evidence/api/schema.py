"""What becomes of the values that an API takes or answers, from one schema to the next.

A value that is sent must still be taken, so a schema of a request may only grow; one that is answered must still be
what its readers know, so a schema of an answer may only shrink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evidence.api.document import ApiDocument, Json

# Deeper than this a schema repeats itself.
_DEEPEST = 12
_ANY = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
# The references of the schemas around one, in both documents.
_Around = tuple[tuple[str, str], ...]
_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}


@dataclass(frozen=True)
class Change:
    """What is broken: where (`owner` of a list: `releases[].owner`), and what became of it."""

    where: str
    what: str


@dataclass(frozen=True)
class Shape:
    """What a schema comes to once references are followed, and what it is put together from is."""

    types: frozenset[str]
    properties: Mapping[str, Any]
    required: frozenset[str]
    items: Any
    limits: Mapping[str, Any]
    words: tuple[Any, ...] | None
    form: str
    pattern: str
    closed: bool


@dataclass(frozen=True)
class Comparison:
    """Compares the schemas of two documents; `sent` for values of a request, else of an answer."""

    before: ApiDocument
    after: ApiDocument
    sent: bool

    def changes(self, before: Any, after: Any, where: str = "") -> Iterator[Change]:  # noqa: ANN401
        """Yield what is broken between two schemas. Raises ApiDocumentError."""
        yield from self._changes(before, after, where, ())

    def _changes(self, before: Any, after: Any, where: str, around: _Around) -> Iterator[Change]:  # noqa: ANN401
        pair = (_reference(before), _reference(after))
        # What holds itself was looked at already, further out.
        if len(around) > _DEEPEST or (any(pair) and pair in around):
            return
        around = (*around, pair)
        old, new = shape(self.before, before), shape(self.after, after)
        yield from self._types(old, new, where)
        yield from self._properties(old, new, where, around)
        if self.sent:
            yield from _narrower(old, new, where)
        if old.items is not None and new.items is not None:
            yield from self._changes(old.items, new.items, f"{where}[]", around)

    def _types(self, old: Shape, new: Shape, where: str) -> Iterator[Change]:
        wider, narrower = (new, old) if self.sent else (old, new)
        lost = _without_whole_numbers(narrower.types - wider.types, wider.types)
        if lost:
            verb = "no longer takes" if self.sent else "may now be"
            yield Change(where, f"{verb} {_list(lost)}")
        elif old.form != new.form and not (self.sent and not new.form):
            yield Change(where, f"is of format {new.form or 'none'}, and was of {old.form or 'none'}")

    def _properties(self, old: Shape, new: Shape, where: str, around: _Around) -> Iterator[Change]:
        for name, schema in old.properties.items():
            below = f"{where}.{name}" if where else name
            if name not in new.properties:
                yield Change(below, "is gone")
                continue
            if not self.sent and name in old.required - new.required:
                yield Change(below, "may now be left out")
            if self.sent and name in new.required - old.required:
                yield Change(below, "is now required")
            yield from self._changes(schema, new.properties[name], below, around)
        if self.sent:
            for name in sorted(new.required - set(old.properties)):
                yield Change(f"{where}.{name}" if where else name, "is new and required")


def shape(document: ApiDocument, schema: Any) -> Shape:  # noqa: ANN401
    """Return what a schema comes to; of several that may each hold, what any of them allows.

    Raises ApiDocumentError.
    """
    return _shape(document, schema, 0)


def _shape(document: ApiDocument, schema: Any, depth: int) -> Shape:  # noqa: ANN401
    # A schema may also be `true`: anything.
    entry = {} if schema is True or depth > _DEEPEST else document.resolved(schema)
    found = _own(entry)
    for part in _parts(entry, "allOf"):
        found = _both(found, _shape(document, part, depth + 1))
    for key in ("anyOf", "oneOf"):
        choices = [_shape(document, part, depth + 1) for part in _parts(entry, key)]
        if choices:
            joined = choices[0]
            for choice in choices[1:]:
                joined = _either(joined, choice)
            found = _both(found, joined)
    return found


def _own(entry: Json) -> Shape:
    named = entry.get("type")
    words = [entry["const"]] if "const" in entry else entry.get("enum")
    if isinstance(named, list):
        types = frozenset(map(str, named))
    elif named:
        types = frozenset({str(named)})
    else:
        types = frozenset(_KINDS.get(type(word), "null") for word in words) if isinstance(words, list) else _ANY
    if entry.get("nullable") is True:
        types |= {"null"}
    properties, required = entry.get("properties"), entry.get("required")
    return Shape(
        types=types,
        properties=properties if isinstance(properties, Mapping) else {},
        required=frozenset(map(str, required)) if isinstance(required, list) else frozenset(),
        items=entry.get("items"),
        limits={name: entry[name] for name in (*_LEAST, *_MOST) if isinstance(entry.get(name), int | float)},
        words=tuple(words) if isinstance(words, list) else None,
        form=str(entry.get("format", "")),
        pattern=str(entry.get("pattern", "")),
        closed=entry.get("additionalProperties") is False,
    )


def _both(one: Shape, other: Shape) -> Shape:
    return Shape(
        types=one.types & other.types or one.types,
        properties={**one.properties, **other.properties},
        required=one.required | other.required,
        items=one.items if other.items is None else other.items,
        limits={**one.limits, **other.limits},
        words=one.words if other.words is None else other.words,
        form=one.form or other.form,
        pattern=one.pattern or other.pattern,
        closed=one.closed or other.closed,
    )


def _either(one: Shape, other: Shape) -> Shape:
    """Return what any of two allows; a limit of a kind of value holds on where the other is of another kind."""
    apart = not one.types & other.types
    return Shape(
        types=one.types | other.types,
        properties={**one.properties, **other.properties},
        required=one.required & other.required
        if one.properties and other.properties
        else one.required | other.required,
        items=one.items if other.items is None else other.items,
        limits={**one.limits, **other.limits} if apart else _shared(one.limits, other.limits),
        words=_words(one, other, apart=apart),
        form=(one.form or other.form) if apart or one.form == other.form else "",
        pattern=(one.pattern or other.pattern) if apart or one.pattern == other.pattern else "",
        closed=one.closed and other.closed,
    )


def _words(one: Shape, other: Shape, *, apart: bool) -> tuple[Any, ...] | None:
    if one.words is not None and other.words is not None:
        return (*one.words, *other.words)
    return (one.words or other.words) if apart else None


def _shared(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (min if name in _LEAST else max)(one[name], other[name]) for name in one if name in other}


def _narrower(old: Shape, new: Shape, where: str) -> Iterator[Change]:
    """Yield what was taken, and is not any more, though its type is still the same."""
    stricter: tuple[tuple[tuple[str, ...], Callable[[Any, Any], bool]], ...] = (
        (_LEAST, lambda now, was: now > was),
        (_MOST, lambda now, was: now < was),
    )
    for names, is_stricter in stricter:
        for name in names:
            now, was = new.limits.get(name), old.limits.get(name)
            if now is not None and (was is None or is_stricter(now, was)):
                yield Change(where, f"has {name} {now:g}" + ("" if was is None else f", and had {was:g}"))
    if new.words is not None:
        lost = None if old.words is None else [word for word in old.words if word not in new.words]
        if lost is None or lost:
            told = "all but a few words" if lost is None else ", ".join(map(repr, lost))
            yield Change(where, f"no longer takes {told}")
    if new.pattern and new.pattern != old.pattern:
        yield Change(where, f"must match {new.pattern[:80]}")
    if new.closed and not old.closed:
        yield Change(where, "takes no other properties any more")


def _without_whole_numbers(types: frozenset[str], allowed: frozenset[str]) -> frozenset[str]:
    return types - {"integer"} if "number" in allowed else types


def _reference(schema: Any) -> str:  # noqa: ANN401
    return str(schema.get("$ref", "")) if isinstance(schema, Mapping) else ""


def _parts(entry: Json, key: str) -> list[Any]:
    found = entry.get(key)
    return found if isinstance(found, list) else []


def _list(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
