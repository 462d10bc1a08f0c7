"""The examples of docs/checklist.md are ones that the program takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from concerns.approval import ApprovalSettings
from concerns.checklist import ITEM_NAMES, ChecklistSettings
from evidence.checklist.release_file import ReleaseFile, parsed

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "checklist.md").read_text(encoding="utf-8")


def example(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_the_release_file_is_complete() -> None:
    top, sections = parsed("releases/v2031.05.14.md", example("markdown")[0])
    found = ReleaseFile("releases/v2031.05.14.md", top, sections)
    assert found.lacking("Plan", "Rollback", "Release notes", "Breaking changes", "Architecture") == []


def test_the_settings_are_right_and_name_every_one_of_them() -> None:
    _, shown, glass = example("yaml")
    values = yaml.safe_load(shown + glass)["release-manager:checklist"]
    found = ChecklistSettings.model_validate_json(json.dumps(values, default=str))
    assert found.required == ITEM_NAMES
    assert set(ChecklistSettings.model_fields) - set(values) == {"critical"}


def test_the_settings_of_approvals_are_right_and_name_every_one_of_them() -> None:
    values = yaml.safe_load(example("yaml")[0])["release-manager:approval"]
    found = ApprovalSettings.model_validate_json(json.dumps(values, default=str))
    assert found.signed is not None
    assert set(ApprovalSettings.model_fields) - set(values) == {"window"}
