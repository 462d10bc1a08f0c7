"""Writes what is made from the models of the settings: `python -m commands.schema`.

The JSON Schema of the stack files, by which editors check them, and the page of all settings, which people read.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from concerns.reference import page
from concerns.schema import as_text, stack_file_schema
from settings import PROJECT, Settings, configured

SCHEMA = Path("Pulumi.schema.json")
REFERENCE = Path("docs/settings.md")


def reference() -> str:
    """Return the page of all settings, with what the stack files in the current directory set."""
    stacks = get_args(Settings.model_fields["environment"].annotation)
    return page(Settings, {stack: configured(stack) for stack in stacks})


def main() -> None:
    """Write both into the current directory."""
    SCHEMA.write_text(as_text(stack_file_schema(Settings, PROJECT)), encoding="utf-8")
    REFERENCE.write_text(reference(), encoding="utf-8")
    print(f"{SCHEMA} and {REFERENCE} are as the models in concerns/ and the stack files are")


if __name__ == "__main__":
    main()
