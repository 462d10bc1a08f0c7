"""A push is for one stack: by the forms of the stack files, and by nothing that a workflow would have to repeat."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.delivery import __main__ as command_line
from commands.delivery.errors import DeliveryError
from commands.delivery.which_stack import which_stack
from concerns.release import ReleaseSettings
from settings import OVERLAY
from tests.commands.delivery.world import World

ROOT = Path(__file__).resolve().parents[3]
STACKS = {
    "dev": ReleaseSettings(),
    "staging": ReleaseSettings(tag="v%Y.%m.%d.%H%M%S"),
    "prod": ReleaseSettings(tag="v%Y.%m.%d"),
}


@pytest.mark.parametrize(
    ("kind", "name", "stack"),
    [("branch", "main", "dev"), ("tag", "v2026.11.23.101530", "staging"), ("tag", "v2026.11.23", "prod")],
)
def test_each_push_has_its_stack(world: World, kind: str, name: str, stack: str) -> None:
    world.variables |= {"GITHUB_REF_TYPE": kind, "GITHUB_REF_NAME": name}
    which_stack(STACKS, world.around)
    assert world.handed_on() == {"stack": stack}


@pytest.mark.parametrize("name", ["v1.2", "v2026.13.40", "v2026.1.5", "v2026.11.23.1"])
def test_a_tag_of_no_form_is_for_no_stack(world: World, name: str) -> None:
    world.variables |= {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": name}
    with pytest.raises(DeliveryError, match=r"is for no stack.*make release STACK="):
        which_stack(STACKS, world.around)
    assert world.handed_on() == {}


def test_the_stack_files_tell_it(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)
    for name, value in {**world.variables, "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v2026.11.23"}.items():
        monkeypatch.setenv(name, value)
    assert command_line.main(["which-stack"]) == 0
    assert capsys.readouterr().out == "tag v2026.11.23 is for prod\n"


@pytest.mark.parametrize("command", [["preview-check"], ["preview-report"], ["preview-comment"]])
def test_a_mistake_is_two_lines_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_TOKEN", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    status = command_line.main(command)
    told = capsys.readouterr()
    if command == ["preview-check"]:
        assert (status, told.out) == (0, "no stack: nothing but the checklist is in the way\n")
    else:
        assert status == 1
        assert told.err.startswith("error: ")
        assert "\nto mend it: make preview-" in told.err


def test_a_release_without_answers_names_the_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)
    assert command_line.main(["release", "--stack", "prod", "--minutes", "many"]) == 1
    assert "MINUTES is wrong: 'many'" in capsys.readouterr().err
