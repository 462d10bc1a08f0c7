"""What the papers name is there: files, links, settings."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from concerns.reference import ENTRY, Reader
from settings import PROJECT, Settings
from tests.papers.reading import ROOT, blocks, papers, spans, text_of

PAPERS = pytest.mark.parametrize("paper", papers(), ids=lambda paper: str(paper.relative_to(ROOT)))
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"\.?[A-Za-z0-9_.<>*-]+(/[A-Za-z0-9_.<>*-]+)*/?")
_ENDINGS = (".py", ".md", ".yaml", ".yml", ".sh", ".toml", ".txt", ".json", ".svg", ".mk", ".lock")
# Made by a run, or on the cluster, and named without their directory.
MADE = {"verification.json", "verification.html", "migration-output.sql", "dashboard.svg", "prod.json", "file.json"}
# Keys of the ConfigMap of the monitoring.
MADE |= {"release-manager.rules.yml", "scrape.yml", "alertmanager.yml"}
_KEY = re.compile(r"[a-z_]+(\.[a-z_]+)*")


@cache
def keys() -> frozenset[str]:
    """Every key of the settings, entries of lists as if there were one."""
    model = Settings.model_json_schema()
    reader = Reader(model["$defs"])
    found = (one for name, part in model["properties"].items() for one in reader.settings(name, part, needed=True))
    return frozenset(one.key.replace(ENTRY, "") for one in found)


def is_key(key: str) -> bool:
    """Whether the settings have this key, or texts below it."""
    return key in keys() or key.rpartition(".")[0] in {"application.environment", "monitoring.labels"}


def anchors(file: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", text_of(file), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@PAPERS
def test_each_link_leads_somewhere(paper: Path) -> None:
    for link in _LINK.findall(text_of(paper)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (paper.parent / path).resolve() if path else paper
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_paper_is_in_the_list_of_papers() -> None:
    listed = set(_LINK.findall(text_of(ROOT / "docs" / "README.md")))
    assert {paper.name for paper in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


def paths_in(paper: Path) -> Iterator[str]:
    for span in spans(paper):
        if not _PATH.fullmatch(span) or span.startswith(("release/", "localhost")):
            continue
        if span.endswith(_ENDINGS) or ((ROOT / span.split("/")[0]).is_dir() and "/" in span):
            yield span


def is_there(path: str, paper: Path) -> bool:
    if path in MADE:
        return True
    pattern = re.sub(r"<[^<>]*>", "*", path).rstrip("/")
    if any(next(place.glob(pattern), None) is not None for place in (ROOT, paper.parent, ROOT / "policies")):
        return True
    ignored = subprocess.run(["git", "-C", str(ROOT), "check-ignore", "-q", path], check=False)
    return ignored.returncode == 0 or path.startswith("releases/")


@PAPERS
def test_each_path_is_there(paper: Path) -> None:
    assert [path for path in paths_in(paper) if not is_there(path, paper)] == []


def test_a_path_that_is_not_there_is_found() -> None:
    assert not is_there("checks/nothing.py", ROOT / "README.md")


@PAPERS
def test_each_setting_is_one(paper: Path) -> None:
    named = {span.partition(":")[0].removesuffix(ENTRY).replace(ENTRY, "") for span in spans(paper) if span not in MADE}
    concerns = tuple(f"{name}." for name in Settings.model_fields)
    found = {key for key in named if _KEY.fullmatch(key) and key.startswith(concerns) and not key.endswith(_ENDINGS)}
    assert sorted(key for key in found if not is_key(key)) == []


def _keys_below(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield f"{key}.{name}"
            yield from _keys_below(below, f"{key}.{name}")
    if isinstance(value, list):
        for each in value:
            yield from _keys_below(each, key)


@PAPERS
def test_each_example_of_a_stack_file_has_keys_that_there_are(paper: Path) -> None:
    # A few are texts of the reader's own, below a setting that takes any.
    free = {key for key in keys() if key.endswith((".filters", ".where", ".labels", ".environment", ".identities"))}
    for block in blocks(paper, "yaml"):
        found = yaml.safe_load(block)
        for name, value in found.items() if isinstance(found, dict) else ():
            concern = str(name).removeprefix(f"{PROJECT}:")
            if concern == name:
                continue
            wrong = [key for key in (concern, *_keys_below(value, concern)) if key not in keys()]
            assert [key for key in wrong if key.rpartition(".")[0] not in free] == []
