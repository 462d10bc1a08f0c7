"""The migration command is one that other commands of alembic can be derived from."""

from __future__ import annotations

from typing import Any

import pytest

from settings import SettingsError
from tests.stack_values import settings_of


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.chdir(pytestconfig.rootpath)


@pytest.mark.parametrize("alembic", [["alembic"], ["python", "-m", "alembic"], ["alembic", "-c", "other.ini"]])
def test_alembic_is_called_as_the_command_does(alembic: list[str]) -> None:
    assert settings_of(migration__command=[*alembic, "upgrade", "head"]).migration.alembic == tuple(alembic)


@pytest.mark.parametrize(
    "command", [["upgrade", "head"], ["alembic", "upgrade", "0003"], ["alembic"], ["sh", "-c", "x"]]
)
def test_a_command_that_does_not_upgrade_to_the_head_is_refused(command: list[Any]) -> None:
    with pytest.raises(SettingsError, match=r"migration\.command: .*must call alembic and end with: upgrade, head"):
        settings_of(migration__command=command)
