"""One thing that is wrong with the settings, and how pydantic's errors become such things."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

SECRET_WORDS = ("password", "token", "routing_key")
# A user and a password before the host of an address.
IN_ADDRESS = re.compile(r"://[^/@\s]*:[^/@\s]+@")
NOT_SHOWN = "a value that is not shown"


@dataclass(frozen=True)
class Wrong:
    """A key of the settings, and what is wrong with it: what was got and what is allowed."""

    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"


def contradiction(key: str, value: object, allowed: str) -> Wrong:
    """Return that `value` at `key` does not fit to other settings; `allowed` says which and what would fit."""
    return Wrong(key, f"got {_text(key.split('.'), value)}; {allowed}")


def wrongs_of(error: ValidationError, model: type[BaseModel], below: str = "") -> list[Wrong]:
    """Return what `error` found in the values of `model`, whose own key is `below`; secrets are never shown."""
    start = (below,) if below else ()
    return [_wrong(problem, (*start, *problem["loc"]), _Models(model, start)) for problem in error.errors()]


@dataclass(frozen=True)
class _Models:
    """Finds the model that stands at a place of the settings."""

    root: type[BaseModel]
    start: tuple[str, ...]

    def at(self, location: tuple[int | str, ...]) -> type[BaseModel] | None:
        model: Any = self.root
        for part in location[len(self.start) :]:
            if isinstance(part, int):
                continue
            field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
            model = None if field is None else _model_in(field.annotation)
        return model if isinstance(model, type) else None


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _wrong(problem: Mapping[str, Any], location: tuple[int | str, ...], models: _Models) -> Wrong:
    key = ".".join(str(part) for part in location)
    around = models.at(location[:-1])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), around.model_fields if around else (), n=1)
        return Wrong(key, "there is no such setting" + (f"; did you mean '{near[0]}'?" if near else ""))
    if problem["type"] == "missing":
        field = around.model_fields.get(str(location[-1])) if around else None
        return Wrong(key, f"is missing; {(field.description if field else None) or 'it has no default'}")
    value = problem["input"]
    # Where an object is wanted, a single value may be a secret that was put one level too high.
    shown = (
        _text(location, value) if models.at(location) is None or isinstance(value, list | dict) else "a single value"
    )
    return Wrong(key, f"got {shown}; {re.sub(r'^(Value error, |Input )', '', problem['msg'])}")


def _text(location: tuple[int | str, ...] | list[str], value: object) -> str:
    if any(word in str(part).lower() for part in location for word in SECRET_WORDS):
        return NOT_SHOWN
    if isinstance(value, list | tuple | dict):
        return "an object" if isinstance(value, dict) else ("a list" if value else "none")
    return "none" if value is None else IN_ADDRESS.sub("://***@", repr(value))[:80]
