"""The settings of a stack: the only place that reads configuration.

A stack file (`Pulumi.<stack>.yaml`) holds one object for each concern, under the name of its model here. A file named
by the environment variable RELEASE_MANAGER_OVERLAY is laid over it, key by key: what differs on one machine (the
sandbox's addresses, say) stands there and nowhere else. Everything wrong is told at once, before any resource.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pulumi
import yaml
from pulumi.runtime import config as pulumi_config
from pydantic import BaseModel, ValidationError

from concerns.application import ApplicationSettings
from concerns.approval import ApprovalSettings
from concerns.cluster import ClusterSettings
from concerns.concern import Concern
from concerns.health import HealthSettings, IngressSettings
from concerns.image import ImageSettings
from concerns.migration import MigrationSettings
from concerns.release import ReleaseSettings
from concerns.rollout import RolloutSettings
from concerns.verification import VerificationSettings

PROJECT = "release-manager"
OVERLAY = "RELEASE_MANAGER_OVERLAY"
SECRET_WORDS = ("password", "token")


class SettingsError(pulumi.RunError):
    """The settings are wrong; the text names every wrong key. Reaches the user without a traceback."""


class Settings(Concern):
    """Everything that one stack configures."""

    environment: Literal["dev", "staging", "prod"]
    cluster: ClusterSettings
    release: ReleaseSettings = ReleaseSettings()
    approval: ApprovalSettings = ApprovalSettings(required=False)
    image: ImageSettings
    application: ApplicationSettings
    migration: MigrationSettings
    rollout: RolloutSettings
    ingress: IngressSettings
    health: HealthSettings
    verification: VerificationSettings


def load_settings() -> Settings:
    """Return the settings of the running stack. Raises SettingsError with one line for each wrong key."""
    values = _stack_values(pulumi_config.CONFIG.get() or pulumi_config.get_config_env())
    overlay = os.environ.get(OVERLAY)
    if overlay:
        values = merge(values, _overlay_values(Path(overlay)))
    return validate(values, source=f"Pulumi.{pulumi.get_stack()}.yaml" + (f" with {overlay}" if overlay else ""))


def validate(values: Mapping[str, Any], *, source: str) -> Settings:
    """Return `values` as Settings. Raises SettingsError that names `source` and every wrong key."""
    try:
        # YAML knows dates, JSON does not: as text they are judged like any other value.
        return Settings.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        lines = [_line(problem["loc"], problem["type"], problem["msg"], problem["input"]) for problem in error.errors()]
        text = "\n".join(f"  {line}" for line in lines)
        raise SettingsError(f"{len(lines)} settings in {source} are wrong; nothing was changed:\n{text}") from None


def merge(values: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with `overlay` laid over it: objects key by key, anything else as a whole."""
    merged = dict(values)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _stack_values(config: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, text in config.items():
        project, _, name = key.partition(":")
        if project != PROJECT:
            continue
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def _overlay_values(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = type(error).__name__
        raise SettingsError(f"{OVERLAY} names {path}, which cannot be read as YAML ({reason})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{OVERLAY} names {path}, which holds no object of settings")
    return values


def _line(location: tuple[int | str, ...], kind: str, message: str, value: object) -> str:
    key = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _known(location[:-1]), n=1)
        return f"{key}: there is no such setting" + (f"; did you mean '{near[0]}'?" if near else "")
    if kind == "missing":
        return f"{key}: is missing; {_description(location)}"
    allowed = re.sub(r"^(Value error, |Input )", "", message)
    return f"{key}: got {_shown(location, value)}; {allowed}"


def _shown(location: tuple[int | str, ...], value: object) -> str:
    """Return the value for a message, unless a secret can stand in it."""
    if any(word in str(part).lower() for part in location for word in SECRET_WORDS):
        return "a value that is not shown"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return "a single value" if _model(location) is not None else repr(value)[:80]


def _model(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    model: Any = Settings
    for part in location:
        field = model.model_fields.get(str(part)) if hasattr(model, "model_fields") else None
        if field is None:
            return None
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        model = next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    return model if isinstance(model, type) else None


def _known(location: tuple[int | str, ...]) -> list[str]:
    model = _model(location)
    return [] if model is None else list(model.model_fields)


def _description(location: tuple[int | str, ...]) -> str:
    model = _model(location[:-1])
    field = model.model_fields.get(str(location[-1])) if model is not None else None
    return field.description if field is not None and field.description else "it has no default"
