"""Fills an overlay in and puts it where the program reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from sandbox.paths import Paths

DIRECTORY = Path(__file__).resolve().parent


def render(paths: Paths, name: str, values: Mapping[str, str]) -> Path:
    """Write overlay `name` with `values` in place of its `${...}` and return the file."""
    text = Template((DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")).substitute(values)
    file = paths.data / "overlays" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
