"""The settings as a page for people: docs/settings.md, made from the models and from the stack files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from pydantic import BaseModel

from concerns.concern import ADDRESS, DNS_LABEL
from concerns.quantity import QUANTITY
from concerns.secrets import ENCRYPTED_ELSEWHERE

Part = Mapping[str, Any]

ENTRY = "[]"
_NEEDED = "*needed*"
_NOTHING = "-"
_FORMS = {DNS_LABEL: "DNS label", ADDRESS: "host name or IP address", QUANTITY: "Kubernetes quantity"}
_TEXTS = {"uri": "address", "date": "date", "password": "secret"}
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
# Longer lists of names are written out once.
_MOST_NAMES = 8
_LONGEST_VALUE = 60
_HEAD = """# Settings

Made by `make schema` from the models in `concerns/` and from the stack files; a change by hand is lost.

Each concern is one object under `config` in `Pulumi.<stack>.yaml`, named `release-manager:<concern>`. In the tables a
dot leads into an object, and `[]` into each entry of a list. *needed* counts wherever the object around it is there;
`-` is nothing. Units are the last word of a key: percent, seconds, minutes. A secret is given by
`pulumi config set --secret --path 'release-manager:<key>'` and never stands in a file as text. A misspelt key, a value
of another type or out of its range, and what contradicts another setting end an update before anything changes, all of
them told at once.
"""


@dataclass(frozen=True)
class Setting:
    """One setting: its whole key, which values it takes, what it is where it is left out, and what it means."""

    key: str
    allowed: str
    default: str
    meaning: str


@dataclass
class Reader:
    """Reads settings out of a model's JSON Schema, whose `definitions` are those of the models inside it."""

    definitions: Mapping[str, Part]
    _written_out: dict[tuple[str, ...], str] = field(default_factory=dict)

    def settings(self, key: str, part: Part, *, needed: bool) -> Iterator[Setting]:
        """Return the setting `key` that `part` describes, and after it every one inside it."""
        inner, entries = self.model_in(part)
        default = _NEEDED if needed else self.default(part)
        if inner is None:
            yield Setting(key, self.allowed(key, part), default, part.get("description", ""))
            return
        meaning = part.get("description") or first_paragraph(inner)
        yield Setting(key, "list of objects" if entries else "object", default, meaning)
        for name, below in inner["properties"].items():
            inside = f"{key}{ENTRY if entries else ''}.{name}"
            yield from self.settings(inside, below, needed=name in inner.get("required", ()))

    def model_in(self, part: Part) -> tuple[Part | None, bool]:
        """Return the model that `part` holds, if it does, and whether it holds a list of them."""
        for each in part.get("anyOf", [part]):
            if each.get("type") == "array":
                return self.model_in(each["items"])[0], True
            if "$ref" in each:
                return self.definitions[each["$ref"].rpartition("/")[2]], False
        return None, False

    def default(self, part: Part) -> str:
        """Return what a setting is where it is left out; of an object only what its own settings do not say."""
        value = part.get("default")
        inner, entries = self.model_in(part)
        if inner is not None and not entries and value:
            value = {name: each for name, each in value.items() if each != inner["properties"][name].get("default")}
        return _value(value)

    def allowed(self, key: str, part: Part) -> str:
        """Return in words which values the setting `key` takes."""
        if "anyOf" in part:
            return " or ".join(self.allowed(key, each) for each in part["anyOf"] if each.get("type") != "null")
        names = part.get("enum") or ([part["const"]] if "const" in part else [])
        if names:
            return self._names(key, tuple(names))
        kind = part.get("type", "")
        if kind == "array":
            return f"list of: {self.allowed(key, part['items'])}"
        if kind in {"integer", "number"}:
            return f"{'whole number' if kind == 'integer' else 'number'}{_range(part)}"
        words = {"object": "object of texts", "boolean": "`true`, `false`"}
        return words.get(kind) or _TEXTS.get(part.get("format", "")) or _FORMS.get(part.get("pattern", ""), "text")

    def _names(self, key: str, names: tuple[str, ...]) -> str:
        if len(names) <= _MOST_NAMES or names not in self._written_out:
            self._written_out[names] = key
            return ", ".join(f"`{name}`" for name in names)
        return f"one of the names that `{self._written_out[names]}` takes"


def page(settings: type[BaseModel], stacks: Mapping[str, Part]) -> str:
    """Return the page of all of `settings`; `stacks` holds what the file of each stack sets, by concern."""
    model = settings.model_json_schema()
    reader = Reader(model["$defs"])
    contents, sections = [], []
    for name, part in model["properties"].items():
        inner, entries = reader.model_in(part)
        found = list(reader.settings(name, part, needed=name in model["required"]))
        meaning = found[0].meaning
        contents.append(f"- [`{name}`](#{name}): {meaning.partition('. ')[0].rstrip('.')}")
        whole = inner["description"] if inner is not None and "description" not in part else meaning
        told = [" ".join(paragraph.split()) for paragraph in whole.split("\n\n")]
        # The concern itself is what the words above the table are about.
        rows = found if inner is None or entries else found[1:]
        sections += [f"## {name}", *told, _left_out(found[0]), _table(rows, stacks)]
    return "\n\n".join([_HEAD, "## Contents", "\n".join(contents), *sections]).replace("\n\n\n", "\n\n") + "\n"


def first_paragraph(model: Part) -> str:
    """Return the first paragraph of what a model says of itself, as one line."""
    return " ".join(str(model.get("description", "")).partition("\n\n")[0].split())


def _range(part: Part) -> str:
    if "minimum" in part and "maximum" in part:
        return f", {part['minimum']:g} to {part['maximum']:g}"
    return "".join(f", {word} {part[bound]:g}" for bound, word in _BOUNDS.items() if bound in part)


def _left_out(concern: Setting) -> str:
    if concern.default == _NEEDED:
        return "Needed."
    return "May be left out." if concern.default == _NOTHING else f"Left out, it is {concern.default}."


def _table(rows: list[Setting], stacks: Mapping[str, Part]) -> str:
    lines = [["key", "allowed", "default", "meaning", "in the stack files"], ["---"] * 5]
    lines += [[f"`{each.key}`", each.allowed, each.default, each.meaning, _set(each, stacks)] for each in rows]
    return "\n".join(f"| {' | '.join(_in_a_cell(cell) or ' ' for cell in line)} |" for line in lines)


def _in_a_cell(text: str) -> str:
    """Return `text` with the signs that a table or HTML would take for its own, but for those in code."""
    parts = text.replace("|", "&#124;").split("`")
    escaped = [
        part if code else part.replace("<", "&lt;") for part, code in zip(parts, cycle((False, True)), strict=False)
    ]
    return "`".join(escaped)


def _set(setting: Setting, stacks: Mapping[str, Part]) -> str:
    """Return what each stack's file sets; of objects what is inside them says it, and of lists of them how many."""
    if setting.allowed == "object" or ENTRY in setting.key:
        return ""
    values: dict[str, list[str]] = {}
    for stack, found in stacks.items():
        value: Any = found
        for name in setting.key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            text = f"{len(value)} of them" if setting.allowed == "list of objects" else _value(value)
            values.setdefault(text, []).append(stack)
    return "; ".join(
        f"{'' if len(where) == len(stacks) else ', '.join(where) + ': '}{text}" for text, where in values.items()
    )


def _value(value: Any) -> str:  # noqa: ANN401
    if value is None or value in ([], {}, ""):
        return _NOTHING
    if value == ENCRYPTED_ELSEWHERE:
        return "set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        text = ", ".join(f"{name}: {json.dumps(below, ensure_ascii=False)}" for name, below in value.items())
    return f"`{text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + '…'}`"
