"""Writes the JSON Schema of the stack files: `python -m commands.schema`."""

from __future__ import annotations

from pathlib import Path

from concerns.schema import as_text, stack_file_schema
from settings import PROJECT, Settings

FILE = Path("Pulumi.schema.json")


def main() -> None:
    """Write the schema into the current directory."""
    FILE.write_text(as_text(stack_file_schema(Settings, PROJECT)), encoding="utf-8")
    print(f"{FILE} is as the models in concerns/ are")


if __name__ == "__main__":
    main()
