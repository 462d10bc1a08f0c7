"""The settings of a stack: the only place that reads configuration.

A stack file (`Pulumi.<stack>.yaml`) holds one object for each concern, under the name of its model here. A file named
by the environment variable RELEASE_MANAGER_OVERLAY is laid over it, key by key: what differs on one machine (the
sandbox's addresses, say) stands there and nowhere else. Everything wrong is told at once, before any resource.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pulumi
import yaml
from pulumi.runtime import config as pulumi_config
from pydantic import Field, TypeAdapter, ValidationError

from concerns.analysis import AnalysisSettings, PrometheusSettings
from concerns.application import ApplicationSettings
from concerns.approval import ApprovalSettings
from concerns.checklist import ChecklistSettings
from concerns.cluster import ClusterSettings
from concerns.concern import Concern
from concerns.contacts import ContactSettings
from concerns.contradictions import contradictions
from concerns.drill import FaultSettings
from concerns.health import HealthSettings, IngressSettings
from concerns.image import ImageSettings
from concerns.log_store import LogStoreSettings
from concerns.migration import MigrationSettings
from concerns.monitoring import MonitoringSettings
from concerns.neighbours import shared_with_others
from concerns.notify import NotifySettings
from concerns.release import ReleaseSettings
from concerns.rollout import RolloutSettings
from concerns.secrets import ENCRYPTED_ELSEWHERE, secrets_in_plain_text
from concerns.verification import VerificationSettings
from concerns.watch import WatchSettings
from concerns.wrong import Wrong, wrongs_of

PROJECT = "release-manager"
OVERLAY = "RELEASE_MANAGER_OVERLAY"


class SettingsError(pulumi.RunError):
    """The settings are wrong; the text names every wrong key. Reaches the user without a traceback."""


class Settings(Concern):
    """Everything that one stack configures."""

    environment: Literal["dev", "staging", "prod"] = Field(
        description="What this stack is, and how strictly it is held."
    )
    cluster: ClusterSettings
    release: ReleaseSettings = ReleaseSettings()
    approval: ApprovalSettings = ApprovalSettings(required=False)
    contacts: tuple[ContactSettings, ...] = Field(
        default=(), description="Whom to tell when a release goes wrong, in this order."
    )
    notify: NotifySettings = NotifySettings()
    image: ImageSettings
    application: ApplicationSettings
    migration: MigrationSettings
    rollout: RolloutSettings
    analysis: AnalysisSettings | None = None
    prometheus: PrometheusSettings | None = None
    ingress: IngressSettings
    health: HealthSettings
    verification: VerificationSettings
    log_store: LogStoreSettings | None = None
    watch: WatchSettings = WatchSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    drill: FaultSettings | None = None
    checklist: ChecklistSettings = ChecklistSettings()


def load_settings() -> Settings:
    """Return the settings of the running stack. Raises SettingsError with one line for each wrong key."""
    values = _engine_values(pulumi_config.CONFIG.get() or pulumi_config.get_config_env())
    # The engine decrypts before the program sees a value; what it encrypted it names.
    plain = {name: value for name, value in values.items() if not pulumi_config.is_config_secret(f"{PROJECT}:{name}")}
    return _complete(pulumi.get_stack(), values, plain)


def read_stack(stack: str, decrypted: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of `stack` as its file in the current directory has them, without the engine.

    An encrypted value is read as the text `(a secret)`, or as `decrypted` has it: the configuration by key, as the
    engine knows it. Raises SettingsError.
    """
    file = Path(stack_file(stack))
    if not file.is_file():
        known = ", ".join(_stacks_here()) or "none in this directory"
        raise SettingsError(f"there is no stack '{stack}', as {file} does not exist; there are: {known}")
    values, prefix = _file_values(file), f"{PROJECT}:"
    if decrypted is None:
        return _complete(stack, values, values)
    whole = {key.removeprefix(prefix): found for key, found in decrypted.items() if key.startswith(prefix)}
    return _complete(stack, whole, values)


def configured(stack: str) -> dict[str, Any]:
    """Return what the file of `stack` in the current directory sets, by concern, as it stands there.

    Raises SettingsError where there is none.
    """
    return _file_values(Path(stack_file(stack)))


def stack_file(stack: str) -> str:
    """Return the name of the file that configures `stack`."""
    return f"Pulumi.{stack}.yaml"


def validate(values: Mapping[str, Any], *, source: str, also: Sequence[Wrong] = ()) -> Settings:
    """Return `values` as Settings. Raises SettingsError that names `source`, every wrong key, and what `also` holds."""
    # YAML knows dates, JSON does not: as text they are judged like any other value.
    text = {str(name): json.dumps(value, default=str) for name, value in values.items()}
    wrongs: list[Wrong] = []
    settings = None
    try:
        settings = Settings.model_validate_json(json.dumps(values, default=str))
        concerns: dict[str, Any] = {name: getattr(settings, name) for name in Settings.model_fields}
    except ValidationError as error:
        wrongs += wrongs_of(error, Settings)
        concerns = _right_ones(text)
    wrongs += [*contradictions(concerns), *also]
    if settings is not None and not wrongs:
        return settings
    lines = "\n".join(f"  {wrong}" for wrong in wrongs)
    raise SettingsError(f"{len(wrongs)} settings in {source} are wrong; nothing was changed:\n{lines}")


def read_overlay() -> dict[str, Any]:
    """Return what is laid over the stack files on this machine; empty where nothing is. Raises SettingsError."""
    overlay = os.environ.get(OVERLAY)
    return _yaml_object(Path(overlay), f"{OVERLAY} names {overlay}, which") if overlay else {}


def merge(values: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with `overlay` laid over it: objects key by key, anything else as a whole."""
    merged = dict(values)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _complete(stack: str, values: dict[str, Any], plain: dict[str, Any]) -> Settings:
    others = {other: _neighbour(other) for other in _stacks_here() if other != stack}
    also = [*shared_with_others(stack, values, others), *secrets_in_plain_text(Settings, plain)]
    overlay = os.environ.get(OVERLAY)
    if not overlay:
        return validate(values, source=stack_file(stack), also=also)
    above = read_overlay()
    also += secrets_in_plain_text(Settings, above)
    return validate(merge(values, above), source=f"{stack_file(stack)} with {overlay}", also=also)


def _right_ones(text: Mapping[str, str]) -> dict[str, Any]:
    """Return each concern that is right when looked at alone, or that may be left out."""
    right: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if name not in text:
            if not field.is_required():
                right[name] = field.get_default()
            continue
        try:
            kind: TypeAdapter[Any] = TypeAdapter(field.annotation or Any)
            right[name] = kind.validate_json(text[name], strict=True)
        except ValidationError:
            continue
    return right


def _stacks_here() -> list[str]:
    return sorted(file.name.split(".")[1] for file in Path().glob("Pulumi.*.yaml"))


def _neighbour(stack: str) -> dict[str, Any]:
    try:
        return _file_values(Path(stack_file(stack)))
    except SettingsError:
        # What is wrong with the file of another stack is told when that one is used.
        return {}


def _engine_values(config: Mapping[str, str]) -> dict[str, Any]:
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


def _file_values(file: Path) -> dict[str, Any]:
    config = _yaml_object(file, f"stack file {file}").get("config")
    if not isinstance(config, dict):
        raise SettingsError(f"stack file {file} holds no object 'config'")
    prefix = f"{PROJECT}:"
    values = {str(key): _without_secrets(value) for key, value in config.items()}
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _without_secrets(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"secure"}:
        return ENCRYPTED_ELSEWHERE
    return {str(key): _without_secrets(below) for key, below in value.items()}


def _yaml_object(path: Path, subject: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"{subject} cannot be read as YAML ({type(error).__name__})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{subject} holds no object of settings")
    return values
