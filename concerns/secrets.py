"""Which settings are secrets, so that none is taken from a place that is not encrypted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from concerns.wrong import Wrong

ENCRYPTED_ELSEWHERE = "(a secret)"


def secret_paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Return the keys, from the outermost on, of every setting below `model` that is a secret."""
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if kind is SecretStr:
                yield (name,)
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from ((name, *below) for below in secret_paths(kind))


def secrets_in_plain_text(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[Wrong]:
    """Return what is wrong with `values`, none of which was encrypted, but those that are ENCRYPTED_ELSEWHERE."""
    for path in secret_paths(model):
        found: Any = values
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, str) and found != ENCRYPTED_ELSEWHERE:
            key = ".".join(path)
            command = f"pulumi config set --secret --path 'release-manager:{key}'"
            yield Wrong(key, f"stands in plain text; take it out, and give it anew with: {command}")


def secret_values(settings: BaseModel) -> Iterator[str]:
    """Return every secret that `settings` hold, for whoever has to keep them out of what is shown."""
    for path in secret_paths(type(settings)):
        found: Any = settings
        for key in path:
            found = getattr(found, key, None)
        if isinstance(found, SecretStr):
            yield found.get_secret_value()
