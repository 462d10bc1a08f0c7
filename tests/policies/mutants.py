"""Mutation testing of the rules: `python -m tests.policies.mutants` lists the changes that no test notices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("policies", "evidence/__init__.py", "evidence/checklist", "tests/__init__.py", "tests/policies")
# They start processes, ask the rest of the project, or try a rule in a thousand places; what they would notice, the
# tests on plain data do.
LEFT_OUT = ("test_pack.py", "test_monitoring_declared.py", "test_every_rule.py", "mutants.py", "__pycache__")
SECONDS = 3600
SETTINGS = """
[tool.pytest.ini_options]
pythonpath = ["."]
addopts = "-p no:cacheprovider"
[tool.mutmut]
source_paths = ["policies/rules"]
also_copy = ["policies", "evidence", "tests"]
pytest_add_cli_args_test_selection = ["tests/policies"]
"""


def main() -> int:
    """Run mutmut on a copy, at the lowest priority, within an hour; return 1 if a mutant survives."""
    os.nice(19)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        for name in COPIED:
            source, copy = ROOT / name, place / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
            else:
                shutil.copy(source, copy)
        (place / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
        status = _mutmut(place, "run").returncode
        left = [line.strip() for line in _mutmut(place, "results", quietly=True).stdout.splitlines() if line.strip()]
        for line in left:
            print(line)
            print(_mutmut(place, "show", line.partition(":")[0], quietly=True).stdout)
        print(f"{len(left)} mutants that no test notices" if left else "every mutant is noticed")
    return 1 if left or status else 0


def _mutmut(place: Path, *arguments: str, quietly: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=place,
        check=False,
        text=True,
        stdout=subprocess.PIPE if quietly else None,
        timeout=SECONDS,
    )


if __name__ == "__main__":
    sys.exit(main())
