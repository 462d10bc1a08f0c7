"""Commands read the secrets of a stack through the engine, or say what is missing; no secret is ever shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands import __main__ as command_line
from commands import encrypted
from commands.encrypted import EngineError, decrypted, read_stack_whole
from settings import OVERLAY, SettingsError
from tests.stack_values import stack_values

ROOT = Path(__file__).resolve().parents[2]
TOKEN, PASSWORD = "xoxb-the-secret", "hunter2-the-secret"
ENCRYPTED = {"secure": "v1:abc:def"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose stack has an encrypted token of Slack and password of the registry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(OVERLAY, raising=False)
    (tmp_path / "sandbox" / "app").mkdir(parents=True)
    shutil.copy(ROOT / "sandbox" / "app" / "Dockerfile", tmp_path / "sandbox" / "app")
    values = stack_values(image__registry__password=ENCRYPTED, notify={"slack": slack(ENCRYPTED)})
    config = {f"release-manager:{name}": value for name, value in values.items()}
    (tmp_path / "Pulumi.staging.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    return tmp_path


def slack(token: Any) -> dict[str, Any]:
    return {"channel": "C0RELEASES", "token": token}


def known(_stack: str = "", token: str = TOKEN) -> dict[str, Any]:
    values = stack_values(image__registry__password=PASSWORD, notify={"slack": slack(token)})
    return {**{f"release-manager:{name}": value for name, value in values.items()}, "aws:region": "eu"}


def engine(place: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Put a program of the engine's name on PATH that runs these lines."""
    program = place / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text("\n".join(("#!/bin/sh", *lines)), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def as_the_engine_prints(values: Mapping[str, Any]) -> str:
    """Return what `pulumi config --json` prints: objects also as such, anything else as text."""
    entries = {
        key: {"value": json.dumps(value), "objectValue": value, "secret": True}
        if isinstance(value, dict)
        else {"value": value, "secret": False}
        for key, value in values.items()
    }
    return json.dumps(entries)


@pytest.mark.usefixtures("project")
def test_what_the_engine_decrypts_is_in_the_settings_and_is_told_nobody() -> None:
    told: list[str] = []
    settings = read_stack_whole("staging", told.append, known)
    assert settings.notify.slack is not None
    assert settings.notify.slack.token.get_secret_value() == TOKEN
    assert settings.image.registry is not None
    assert settings.image.registry.password.get_secret_value() == PASSWORD
    assert told == []
    assert TOKEN not in repr(settings)


@pytest.mark.usefixtures("project")
def test_the_overlay_of_the_machine_is_laid_over_it_as_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("rollout: {replicas: 5}\n", encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    assert read_stack_whole("staging", print, known).rollout.replicas == 5


@pytest.mark.usefixtures("project")
def test_without_the_engine_one_line_says_what_is_missing_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted, "PROGRAM", "there-is-no-pulumi")
    told: list[str] = []
    settings = read_stack_whole("staging", told.append)
    assert settings.notify.slack is not None
    assert settings.notify.slack.token.get_secret_value() == "(a secret)"
    why = "there-is-no-pulumi is not on PATH; what needs one of them is not known"
    assert told == [f"note: the secrets of stack staging stay encrypted here: {why}"]


def test_a_stack_without_secrets_asks_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_stack: str) -> dict[str, Any]:
        raise AssertionError("nobody is asked")

    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)
    assert read_stack_whole("staging", print, nobody).environment == "staging"


def test_the_engines_own_command_is_asked_for_this_stack_and_gives_objects_and_text(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "answer").write_text(as_the_engine_prints(known()), encoding="utf-8")
    engine(project, monkeypatch, 'echo "$@" > asked', "cat answer")
    assert decrypted("staging") == known()
    asked = (project / "asked").read_text(encoding="utf-8")
    assert asked.startswith("config --stack staging --show-secrets --json --non-interactive")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("echo 'warning: old' >&2", "echo 'error: no stack named staging' >&2", "exit 255"), "no stack named staging"),
        (("exit 1",), "no reason given"),
        (("echo no",), "prints no configuration"),
        (('echo "[]"',), "prints no configuration"),
    ],
)
def test_an_engine_that_does_not_tell_is_told_of_in_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], why: str
) -> None:
    engine(project, monkeypatch, *lines)
    with pytest.raises(EngineError, match=why):
        decrypted("staging")


def test_an_engine_that_hangs_is_left(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(project, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(encrypted, "SECONDS", 0.2)
    with pytest.raises(EngineError, match=r"did not end within 0\.2 s"):
        decrypted("staging")


@pytest.mark.usefixtures("project")
def test_a_secret_that_is_wrong_is_named_by_its_key_and_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        read_stack_whole("staging", print, lambda _stack: known(token=f"{TOKEN} with a blank"))
    assert "notify.slack.token" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_command_that_needs_a_secret_gets_it_and_shows_it_nowhere(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / "answer").write_text(as_the_engine_prints(known()), encoding="utf-8")
    engine(project, monkeypatch, "cat answer")
    seen: list[str] = []

    def run(_arguments: object, settings: Any) -> list[str]:
        seen.append(settings.notify.slack.token.get_secret_value())
        return ["done"]

    monkeypatch.setattr(command_line, "_announce", run)
    assert command_line.main(["announce", "--stack", "staging"]) == 0
    assert seen == [TOKEN]
    shown = capfd.readouterr()
    assert TOKEN not in shown.out + shown.err
