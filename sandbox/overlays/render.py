"""Fills an overlay in and puts it where the program reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from sandbox.paths import Paths

DIRECTORY = Path(__file__).resolve().parent
EVERY_STACK = "all"


def render(paths: Paths, name: str, stack: str, values: Mapping[str, str]) -> Path:
    """Write what overlay `name` has for `stack`, with `values` in place of its `${...}`, and return the file."""
    text = Template((DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")).substitute(values)
    sections: dict[str, Any] = yaml.safe_load(text)
    found = _over(sections[EVERY_STACK], sections.get(stack, {}))
    file = paths.data / "overlays" / f"{name}.{stack}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
    return file


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged
