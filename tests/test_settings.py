"""Every wrong setting is named with its key, what was got and what is allowed, at once and before any resource."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as pulumi_config
from pydantic import ValidationError

from settings import OVERLAY, Settings, SettingsError, load_settings, merge
from tests.stack_values import settings_of, stack_values

ROOT = Path(__file__).resolve().parents[1]
SECRET = "hunter2-the-secret"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)


def refused(**changes: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings_of(**changes)
    head, *lines = str(caught.value).splitlines()
    assert "in Pulumi.staging.yaml are wrong; nothing was changed:" in head
    assert head.startswith(f"{len(lines)} ")
    assert SECRET not in str(caught.value)
    return [line.strip() for line in lines]


def test_right_values_are_taken_as_they_are() -> None:
    settings = settings_of()
    assert settings.rollout.replicas == 3
    assert settings.migration.command == ("alembic", "upgrade", "head")
    assert settings.health.timeout_seconds == 2.5
    assert settings.image.registry is not None
    assert settings.image.registry.password.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


def test_nobody_changes_a_setting_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings_of().rollout.replicas = 5  # type: ignore[misc]


def test_what_has_a_default_may_be_left_out() -> None:
    settings = settings_of(
        image__registry=...,
        image__build_args=...,
        application__environment=...,
        ingress__tls_secret=...,
        health__url="http://staging-api.internal/health",
    )
    assert (settings.image.registry, settings.ingress.tls_secret) == (None, None)
    assert (settings.health.connect_to, settings.health.ca_file) == ("", "")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("environment", "test", "environment: got 'test'; should be 'dev', 'staging' or 'prod'"),
        ("cluster__kubeconfig", "", "cluster.kubeconfig: got ''; "),
        ("cluster__context", "", "cluster.context: got ''; "),
        ("cluster__namespace", "Staging", "cluster.namespace: got 'Staging'; "),
        ("cluster__namespace", "x" * 64, "cluster.namespace: got '"),
        ("image__repository", "registry.internal/app:latest/", "image.repository: got"),
        ("image__repository", "Registry/App", "image.repository: got 'Registry/App'"),
        ("image__context", "docs", "image.context: got 'docs'; must be a directory with a Dockerfile"),
        ("image__context", "nowhere", "image.context: got 'nowhere'; must be a directory with a Dockerfile"),
        ("application__deployment", "release_manager", "application.deployment: got 'release_manager'"),
        ("application__port", 80, "application.port: got 80; should be greater than or equal to 1024"),
        ("application__port", 70000, "application.port: got 70000; should be less than or equal to 65535"),
        ("application__port", "8080", "application.port: got '8080'; should be a valid integer"),
        ("application__port", 8080.5, "application.port: got 8080.5; "),
        ("application__port", True, "application.port: got True; should be a valid integer"),
        ("application__credentials", "A Secret", "application.credentials: got 'A Secret'"),
        ("application__environment__RELEASE_VERSION", "v1", "must not set RELEASE_VERSION: the release does"),
        ("application__environment__RETRIES", 3, "application.environment.RETRIES: got 3; should be a valid string"),
        ("application__resources__cpu_request", "half", "application.resources.cpu_request: got 'half'"),
        (
            "application__resources__cpu_request",
            1,
            "application.resources.cpu_request: got 1; should be a valid string",
        ),
        ("application__resources__memory_limit", "256 MB", "application.resources.memory_limit: got '256 MB'"),
        ("application__resources__memory_limit", "-1Mi", "application.resources.memory_limit: got '-1Mi'"),
        ("migration__command", [], "migration.command: got"),
        ("migration__command", "alembic upgrade head", "migration.command: got 'alembic upgrade head'"),
        ("migration__timeout_seconds", 4, "migration.timeout_seconds: got 4; should be greater than or equal to 5"),
        ("migration__timeout_seconds", 3601, "migration.timeout_seconds: got 3601; should be less than"),
        ("rollout__strategy", "bluegreen", "rollout.strategy: got 'bluegreen'; should be "),
        ("rollout__replicas", 0, "rollout.replicas: got 0; should be greater than or equal to 1"),
        ("rollout__replicas", "2", "rollout.replicas: got '2'; should be a valid integer"),
        ("rollout__timeout_seconds", 9, "rollout.timeout_seconds: got 9; "),
        ("rollout__when_unknown", "ignore", "rollout.when_unknown: got 'ignore'; should be 'rollback' or 'hold'"),
        ("ingress__class_name", "", "ingress.class_name: got ''"),
        ("ingress__tls_secret", "TLS", "ingress.tls_secret: got 'TLS'"),
        ("health__url", "staging-api.internal/health", "health.url: got 'staging-api.internal/health'; "),
        ("health__url", "ftp://staging-api.internal", "health.url: got 'ftp://staging-api.internal'; "),
        ("health__attempts", 0, "health.attempts: got 0; "),
        ("health__interval_seconds", "2", "health.interval_seconds: got '2'; should be a valid number"),
        ("health__interval_seconds", 0, "health.interval_seconds: got 0; "),
        ("health__timeout_seconds", 61, "health.timeout_seconds: got 61; should be less than or equal to 60"),
        ("health__connect_to", "127.0.0.1:8443", "health.connect_to: got '127.0.0.1:8443'; "),
        ("health__connect_to", "http://127.0.0.1", "health.connect_to: got 'http://127.0.0.1'; "),
        ("verification__log_lines", 0, "verification.log_lines: got 0; "),
        (
            "verification__scripts",
            [{"name": "smoke", "command": ["tests/smoke.sh"], "timeout_seconds": 9}],
            "verification.scripts.0.command: got a list; must begin with an executable file, or a command on PATH",
        ),
        (
            "verification__scripts",
            [{"name": "a", "command": ["true"], "timeout_seconds": 9}] * 2,
            "verification.scripts: got a list; must have a name each of its own",
        ),
        (
            "approval",
            {"required": False, "approvers": ["ann", "ann"]},
            "approval.approvers: got a list; must name ever",
        ),
        ("approval", {"required": False, "approvers": [" "]}, "approval.approvers.0: got ' '; "),
        (
            "approval",
            {"required": False, "window": {"start": "22:00", "minutes": -30, "timezone": "UTC"}},
            "approval.window.minutes: got -30; a window ends after it starts: 1 minute or more",
        ),
        (
            "contacts",
            [{"role": "r", "name": "n", "phone": "030 123", "slack": "@a"}],
            "contacts.0.phone: got '030 123'",
        ),
        (
            "contacts",
            [{"role": "r", "name": "n", "phone": "+49 30 123456", "slack": "ann"}],
            "contacts.0.slack: got 'ann'",
        ),
        ("release", {"tag": "v1", "pushed": True}, "release.tag: got 'v1'; must name the day, as v%Y.%m.%d does"),
        ("release", {"tag": "v%H.%M", "pushed": True}, "release.tag: got 'v%H.%M'; must name year, month and day"),
        (
            "release",
            {"tag": "v %Y.%m.%d", "pushed": True},
            "release.tag: got 'v %Y.%m.%d'; must make a name of letters",
        ),
        (
            "release",
            {"tag": "v%Y.%m.%d", "branch": "release", "pushed": True},
            "release.branch: got 'release'; must name the day, as release/v%Y.%m.%d does",
        ),
        ("rollout__steps", [50, 10, 100], "rollout.steps: got a list; must go up, and end with 100"),
        ("rollout__steps", [10, 50], "rollout.steps: got a list; must go up, and end with 100"),
        ("rollout__steps", [0, 100], "rollout.steps.0: got 0; should be greater than or equal to 1"),
        ("rollout__max_surge", -1, "rollout.max_surge: got -1; "),
        ("cluster", "staging", "cluster: got a single value; should be an object"),
    ],
)
def test_each_wrong_value_is_named_with_what_is_allowed(path: str, value: Any, says: str) -> None:
    [line] = refused(**{path: value})
    assert says in line


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1", "ingress.internal", ""])
def test_an_address_to_connect_to_is_an_address_without_a_port(address: str) -> None:
    assert settings_of(health__connect_to=address).health.connect_to == address


@pytest.mark.parametrize("path", [name for name, field in Settings.model_fields.items() if field.is_required()])
def test_each_concern_is_wanted(path: str) -> None:
    means = Settings.model_fields[path].description or "it has no default"
    assert refused(**{path: ...}) == [f"{path}: is missing; {means}"]


def test_a_missing_setting_says_what_it_is() -> None:
    assert refused(cluster__namespace=...) == ["cluster.namespace: is missing; An existing namespace."]
    assert refused(application__port=...) == [
        "application.port: is missing; On which the application listens, /metrics and /health too."
    ]


def test_an_unknown_setting_is_refused_with_the_nearest_known_one() -> None:
    assert refused(rollout__replica=2) == ["rollout.replica: there is no such setting; did you mean 'replicas'?"]
    assert refused(rolout={}) == ["rolout: there is no such setting; did you mean 'rollout'?"]
    assert refused(image__registry__pasword="x") == [
        "image.registry.pasword: there is no such setting; did you mean 'password'?"
    ]
    assert refused(cluster__zzz=1) == ["cluster.zzz: there is no such setting"]


def test_everything_wrong_is_told_at_once() -> None:
    lines = refused(environment="test", cluster__context=..., rollout__replicas="2", rollout__replica=2)
    assert [line.partition(":")[0] for line in lines] == [
        "environment",
        "cluster.context",
        "rollout.replicas",
        "rollout.replica",
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("image__registry__password", [SECRET]),
        ("image__registry__password", {"value": SECRET}),
        ("image__registry", SECRET),
        ("image__registry", [{"password": SECRET}]),
        ("image__registry", f"release:{SECRET}"),
        ("image", [{"registry": {"password": SECRET}}]),
        ("application__environment__API_TOKEN", [SECRET]),
        ("image__build_args__NPM_PASSWORD", [SECRET]),
    ],
)
def test_a_secret_is_never_shown_wherever_it_was_written(path: str, value: Any) -> None:
    [line] = refused(**{path: value})
    assert "hunter2" not in line
    assert line.startswith(path.replace("__", "."))


def test_a_secret_of_the_wrong_type_is_not_shown_either() -> None:
    [line] = refused(image__registry__password=271828)
    assert line == "image.registry.password: got a value that is not shown; should be a valid string"


def test_a_long_value_is_cut() -> None:
    [line] = refused(cluster__namespace="X" * 5000)
    assert len(line) < 300


def test_an_overlay_changes_key_by_key_and_lists_as_a_whole() -> None:
    below = {"a": {"x": 1, "y": {"z": 1}}, "list": [1, 2], "kept": True}
    merged = merge(below, {"a": {"y": {"w": 2}}, "list": [3], "new": {"k": 1}})
    assert merged == {"a": {"x": 1, "y": {"z": 1, "w": 2}}, "list": [3], "kept": True, "new": {"k": 1}}
    assert below == {"a": {"x": 1, "y": {"z": 1}}, "list": [1, 2], "kept": True}
    assert merge({"a": {"x": 1}}, {"a": "text"}) == {"a": "text"}
    assert merge({"a": "text"}, {"a": {"x": 1}}) == {"a": {"x": 1}}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure the running stack as the engine does: one JSON text for each key."""
    monkeypatch.setattr(pulumi, "get_stack", lambda: "staging")
    configured = {
        f"release-manager:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in stack_values().items()
    }
    configured |= {"kubernetes:context": "another", "other-project:environment": "prod"}
    monkeypatch.setattr(pulumi_config, "CONFIG", type(pulumi_config.CONFIG)("CONFIG", default=configured))
    monkeypatch.setattr(pulumi_config, "is_config_secret", lambda key: key == "release-manager:image")


@pytest.mark.usefixtures("stack")
def test_the_settings_of_the_running_stack_are_read() -> None:
    assert load_settings() == settings_of()


@pytest.mark.usefixtures("stack")
def test_the_overlay_of_this_machine_is_laid_over_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("cluster: {kubeconfig: /here}\nhealth: {connect_to: 127.0.0.1}\n", encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    wanted = settings_of(cluster__kubeconfig="/here", health__connect_to="127.0.0.1")
    assert load_settings() == wanted


@pytest.mark.usefixtures("stack")
def test_what_is_wrong_names_the_stack_file_and_the_overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("rollout: {replicas: many}\n", encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    with pytest.raises(SettingsError, match=f"in Pulumi.staging.yaml with {overlay} are wrong"):
        load_settings()


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("content", [b"", b"- list", b"{", b"\xff\xfe\x00", b"text"])
def test_an_overlay_that_holds_no_settings_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_bytes(content)
    monkeypatch.setenv(OVERLAY, str(overlay))
    with pytest.raises(SettingsError, match=f"{OVERLAY} names {overlay}"):
        load_settings()


@pytest.mark.usefixtures("stack")
def test_an_overlay_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERLAY, str(tmp_path / "missing.yaml"))
    with pytest.raises(SettingsError, match=r"cannot be read as YAML \(FileNotFoundError\)"):
        load_settings()


@pytest.mark.usefixtures("stack")
def test_a_date_in_an_overlay_is_a_wrong_value_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("rollout: {replicas: 2024-05-14}\n", encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    with pytest.raises(SettingsError, match=r"rollout\.replicas: got '2024-05-14'; should be a valid integer"):
        load_settings()


def test_what_is_wrong_reaches_the_user_without_a_traceback() -> None:
    assert issubclass(SettingsError, pulumi.RunError)
