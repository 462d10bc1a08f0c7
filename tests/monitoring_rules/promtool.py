"""Prometheus' own promtool, which ships with Prometheus."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.prometheus_rule import rule_file
from monitoring.subject import Watched
from sandbox.paths import Paths

SECONDS = 120


def program(name: str) -> str:
    """Return a program of Debian's packages prometheus and prometheus-alertmanager. Fails, never skips, without it."""
    unpacked = Paths.default().cache / "debian" / "usr" / "bin"
    found = shutil.which(name) or shutil.which(name, path=str(unpacked))
    if found is None:
        pytest.fail(f"{name} is neither on PATH nor in {unpacked}; `make up` puts it there")
    return found


def run(name: str, *arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(name), *arguments], cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def rules(directory: Path, watched: Watched) -> str:
    """Write the rule file and return its name."""
    (directory / "rules.yml").write_text(rule_file(watched), encoding="utf-8")
    return "rules.yml"


def ask(
    directory: Path, watched: Watched, tests: Sequence[Mapping[str, Any]], *, every: str = "1m"
) -> subprocess.CompletedProcess[str]:
    """Run `promtool test rules` on these tests: the documents of cases, or others of that form.

    `every` is how often the rules are evaluated; each evaluation takes some milliseconds.
    """
    content = {"rule_files": [rules(directory, watched)], "evaluation_interval": every, "tests": [*tests]}
    (directory / "tests.yml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return run("promtool", "test", "rules", "tests.yml", directory=directory)
