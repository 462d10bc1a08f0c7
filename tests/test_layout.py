"""The shape of the code: where configuration is read, how long files are, and which part may know which."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = (
    "checks",
    "cluster",
    "commands",
    "components",
    "concerns",
    "evidence",
    "monitoring",
    "notify",
    "policies",
    "reports",
    "watch",
)
CODE = (*PRODUCT, "sandbox", "tests")
LONGEST_FILE = 400
LONGEST_PROGRAM = 60
# In two parts, so that this file names none either.
REGISTRIES = [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "(?:org|com)"), (r"proxy\.golang", "org")]
REGISTRIES += [("gcr", "io"), ("ghcr", "io"), ("quay", "io"), (r"registry\.k8s", "io")]


def sources(*directories: str) -> list[Path]:
    below = [file for directory in directories for file in sorted((ROOT / directory).rglob("*.py"))]
    return [file for file in [*sorted(ROOT.glob("*.py")), *below] if ".venv" not in file.parts]


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def reads_configuration(text: str) -> bool:
    """Whether the module uses pulumi.Config or pulumi.runtime.config under any name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in {"Config", "get_config", "CONFIG"}:
            base = ast.unparse(node.value)
            if base.partition(".")[0] in {"pulumi", "runtime", "config", "pulumi_config"}:
                return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pulumi":
            names = {alias.name for alias in node.names} | {(node.module or "").rpartition(".")[2]}
            if names & {"Config", "config"}:
                return True
        if isinstance(node, ast.Import) and any(alias.name.startswith("pulumi.runtime.config") for alias in node.names):
            return True
    return False


@pytest.mark.parametrize(
    "text",
    [
        "import pulumi\npulumi.Config('x').get('y')",
        "from pulumi import Config",
        "from pulumi.runtime import config",
        "from pulumi.runtime.config import get_config",
        "import pulumi.runtime.config",
        "import pulumi\npulumi.runtime.config.get_config('x')",
    ],
)
def test_a_use_of_the_configuration_is_seen(text: str) -> None:
    assert reads_configuration(text)


def test_only_the_settings_read_the_configuration() -> None:
    readers = [name_of(file) for file in sources(*PRODUCT) if reads_configuration(file.read_text(encoding="utf-8"))]
    assert readers == ["settings.py"]


def test_no_file_is_too_long() -> None:
    lengths = {name_of(file): len(file.read_text(encoding="utf-8").splitlines()) for file in sources(*CODE)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_the_program_can_be_read_at_a_glance() -> None:
    assert len((ROOT / "__main__.py").read_text(encoding="utf-8").splitlines()) < LONGEST_PROGRAM


def test_no_file_is_a_drawer_for_anything() -> None:
    names = {file.stem for file in sources(*CODE)}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc"}


def test_each_part_knows_only_what_it_may() -> None:
    # A process of its own: the linter switches off every logger that there is.
    linter = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(linter, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_left_undone_in_the_code() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    files = [file for file in sources(*PRODUCT, "sandbox") if marks.search(file.read_text(encoding="utf-8"))]
    assert [name_of(file) for file in files] == []


def test_no_registry_is_named() -> None:
    known = re.compile("|".join(rf"\b{name}\.{ending}\b" for name, ending in REGISTRIES))
    configuration = [*ROOT.glob("*.yaml"), *ROOT.glob("*.toml"), *(ROOT / "policies").rglob("*.yaml")]
    files = [file for file in [*sources(*CODE), *configuration] if known.search(file.read_text(encoding="utf-8"))]
    assert [name_of(file) for file in files] == []
