"""The JSON Schema of the stack files, so that editors complete and check them as the models do."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What Pulumi itself writes into a stack file beside the configuration.
BESIDE = ("secretsprovider", "encryptedkey", "encryptionsalt")
ENCRYPTED = {
    "type": "object",
    "description": "Encrypted by: pulumi config set --secret --path",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}


def stack_file_schema(settings: type[BaseModel], project: str) -> dict[str, Any]:
    """Return the schema of a stack file of `project` whose configuration is that of `settings`."""
    model = settings.model_json_schema()
    definitions = {name: _with_secrets(definition) for name, definition in model.pop("$defs").items()}
    concerns = {f"{project}:{name}": concern for name, concern in model["properties"].items()}
    required = [f"{project}:{name}" for name in model["required"]]
    config = {
        "type": "object",
        "description": model["description"],
        "properties": concerns,
        "required": required,
        # Configuration of providers is none of ours; a misspelt key of ours is.
        "patternProperties": {f"^(?!{project}:)": True},
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": f"Stack file of {project}",
        "description": "Made from the models in concerns/ by `make schema`.",
        "type": "object",
        "properties": {"config": config, **{name: {"type": "string"} for name in BESIDE}},
        "required": ["config"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def as_text(schema: dict[str, Any]) -> str:
    """Return the schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _with_secrets(part: Any) -> Any:  # noqa: ANN401
    if isinstance(part, list):
        return [_with_secrets(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("writeOnly") and part.get("format") == "password":
        return ENCRYPTED
    return {key: _with_secrets(below) for key, below in part.items()}
