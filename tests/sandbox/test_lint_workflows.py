"""Both linters look at all workflows, and neither asks the network."""

from __future__ import annotations

from pathlib import Path

from sandbox.lint_workflows import commands
from sandbox.paths import REPOSITORY


def test_every_workflow_is_linted_without_the_network() -> None:
    actionlint, zizmor = commands(Path("/tools/actionlint"), Path("/venv/bin/python"))
    workflows = {str(file.relative_to(REPOSITORY)) for file in (REPOSITORY / ".github/workflows").iterdir()}
    assert workflows == set(actionlint[2:])
    assert actionlint[0] == "/tools/actionlint"
    assert zizmor[0] == "/venv/bin/zizmor"
    assert "--offline" in zizmor
    assert zizmor[-1] == ".github"
