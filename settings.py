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
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PROJECT = "release-manager"
OVERLAY = "RELEASE_MANAGER_OVERLAY"
DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$"
ADDRESS = r"^([0-9A-Za-z.-]*|[0-9A-Fa-f:]+)$"
RELEASE_VERSION = "RELEASE_VERSION"
SECRET_WORDS = ("password", "token")


class SettingsError(pulumi.RunError):
    """The settings are wrong; the text names every wrong key. Reaches the user without a traceback."""


class _Concern(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ClusterSettings(_Concern):
    """Which cluster and namespace. The current context of a kubeconfig is never used."""

    kubeconfig: str = Field(min_length=1, description="Path of a kubeconfig file.")
    context: str = Field(min_length=1, description="Name of a context in it.")
    namespace: str = Field(pattern=DNS_LABEL, description="An existing namespace.")


class RegistrySettings(_Concern):
    """How to sign in to the image registry. Without it the Docker engine's own sign-in is used."""

    server: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: SecretStr = Field(
        description="A Pulumi secret: pulumi config set --secret --path image.registry.password"
    )


class ImageSettings(_Concern):
    """Where the image is built from and pushed to."""

    repository: str = Field(pattern=r"^[a-z0-9][a-z0-9.:/_-]*[a-z0-9]$", description="Repository without a tag.")
    context: str = Field(description="Directory of the Docker build, relative to the project.")
    build_args: dict[str, str] = Field(default_factory=dict)
    registry: RegistrySettings | None = None

    @field_validator("context")
    @classmethod
    def _has_dockerfile(cls, value: str) -> str:
        if not (Path(value) / "Dockerfile").is_file():
            message = "must be a directory with a Dockerfile"
            raise ValueError(message)
        return value


class ResourceSettings(_Concern):
    """CPU and memory of one pod, as Kubernetes quantities."""

    cpu_request: str = Field(pattern=QUANTITY)
    memory_request: str = Field(pattern=QUANTITY)
    memory_limit: str = Field(pattern=QUANTITY)


class ApplicationSettings(_Concern):
    """The application's Deployment."""

    # Names of its Jobs and labels of their pods are longer, and both end at 63 characters.
    deployment: str = Field(pattern=DNS_LABEL, max_length=40)
    port: int = Field(ge=1024, le=65535)
    credentials: str = Field(pattern=DNS_LABEL, description="An existing Secret with DATABASE_URL, REDIS_URL, ...")
    environment: dict[str, str] = Field(default_factory=dict, description="Plain environment variables, no secrets.")
    resources: ResourceSettings

    @field_validator("environment")
    @classmethod
    def _leaves_version(cls, value: dict[str, str]) -> dict[str, str]:
        if RELEASE_VERSION in value:
            message = f"must not set {RELEASE_VERSION}: the release does"
            raise ValueError(message)
        return value


class MigrationSettings(_Concern):
    """The Job that brings the database to the release's revision before any pod changes."""

    command: tuple[str, ...] = Field(min_length=1)
    timeout_seconds: int = Field(ge=5, le=3600)


class RolloutSettings(_Concern):
    """How the pods of a release replace those before."""

    strategy: Literal["rolling"]
    replicas: int = Field(ge=1, le=100)
    timeout_seconds: int = Field(ge=10, le=3600)
    when_unknown: Literal["rollback", "hold"] = Field(description="What follows a step that ends without an answer.")


class IngressSettings(_Concern):
    """How the host of health.url reaches the pods."""

    class_name: str = Field(pattern=DNS_LABEL)
    tls_secret: str | None = Field(default=None, pattern=DNS_LABEL)


class HealthSettings(_Concern):
    """How /health is asked."""

    url: AnyHttpUrl
    attempts: int = Field(ge=1, le=100)
    interval_seconds: float = Field(ge=0.1, le=60)
    timeout_seconds: float = Field(ge=0.1, le=60)
    connect_to: str = Field(
        default="", pattern=ADDRESS, description="Address, without a port, to connect to in place of the URL's host."
    )
    ca_file: str = Field(default="", description="Certificate authority to trust beside the system's.")


class VerificationSettings(_Concern):
    """What is looked at before a release counts as verified."""

    log_lines: int = Field(ge=1, le=10000)


class Settings(_Concern):
    """Everything that one stack configures."""

    environment: Literal["dev", "staging", "prod"]
    cluster: ClusterSettings
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
