"""What is set of the checklist is right, or is told with its key, what was got and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from concerns.checklist import ITEM_NAMES, ChecklistSettings
from concerns.secrets import secret_paths
from concerns.wrong import wrongs_of

WAIVER = {"item": "tests", "reason": "one runner is down", "by": "ana", "until": "2031-05-14"}
STATEMENT = {"item": "on-call", "by": "ana", "dated": "2031-05-13", "until": "2031-05-20", "text": "ben has the pager"}
GLASS = {"release": "v2031.05.14", "by": "ana", "reason": "logins fail", "until": "2031-05-14", "items": "all"}
FORGE = {"repository": "acme/release-manager"}


def read(**values: Any) -> ChecklistSettings:
    return ChecklistSettings.model_validate_json(json.dumps(values))


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        read(**values)
    return "\n".join(map(str, wrongs_of(caught.value, ChecklistSettings, "checklist")))


def test_without_settings_nothing_is_required() -> None:
    found = ChecklistSettings()
    assert (found.required, found.timeout_seconds, found.main_branch, found.release_files) == (
        (),
        3,
        "main",
        "releases",
    )
    assert found == read()


def test_all_means_all_nineteen() -> None:
    assert read(required="all").required == ITEM_NAMES
    assert len(ITEM_NAMES) == 19
    assert read(required=["tag", "merged"]).required == ("tag", "merged")


def test_editors_are_told_of_all_too() -> None:
    schema = ChecklistSettings.model_json_schema()["properties"]["required"]
    assert {"const": "all", "type": "string"} in schema["anyOf"]


def test_complete_settings_are_taken_as_they_are() -> None:
    found = read(required="all", statements=[STATEMENT], waivers=[WAIVER], break_glass=GLASS, forge=FORGE)
    assert found.waivers[0].release is None
    assert found.break_glass is not None
    assert found.break_glass.items == ITEM_NAMES
    assert found.forge is not None
    assert str(found.forge.api) == "https://api.github.com/"
    assert found.forge.checks.e2e == ("e2e",)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"required": ["test"]}, "checklist.required.0: got 'test'; should be 'merged', 'tests', 'review',"),
        ({"required": "some"}, "checklist.required: got 'some'; should be a valid"),
        ({"required": ["tag", "tag"]}, "checklist.required: got a list; must name every item once"),
        ({"timeout_seconds": 0}, "checklist.timeout_seconds: got 0; should be greater than or equal to 0.1"),
        ({"markers": {"patterns": ["("]}}, "checklist.markers.patterns.0: got '('; must be a regular expression"),
        ({"markers": {"paths": ["../other"]}}, "checklist.markers.paths.0: got '../other'; must be a path below the"),
        ({"release_files": "/releases"}, "checklist.release_files: got '/releases'; must be a path below the root"),
        ({"forge": {"repository": "acme"}}, "checklist.forge.repository: got 'acme'; String should match"),
        ({"forge": {**FORGE, "api": "http://git.internal"}}, "must begin with https://, as a token is sent there"),
        (
            {"forge": {**FORGE, "checks": {"e2e": []}}},
            "checklist.forge.checks.e2e: got none; Tuple should have at least",
        ),
        ({"waiver": []}, "checklist.waiver: there is no such setting; did you mean 'waivers'?"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(values: dict[str, Any], said: str) -> None:
    assert said in refused(**values)


@pytest.mark.parametrize(("key", "entry"), [("waivers", WAIVER), ("statements", STATEMENT), ("break_glass", GLASS)])
@pytest.mark.parametrize("missing", ["by", "until", "item"])
def test_a_claim_says_of_what_by_whom_and_until_when(key: str, entry: dict[str, Any], missing: str) -> None:
    field = "items" if missing == "item" and key == "break_glass" else missing
    without = {name: value for name, value in entry.items() if name != field}
    said = refused(**{key: without if key == "break_glass" else [without]})
    assert f"{field}: is missing; " in said
    if missing == "until":
        assert "Last day on which it counts, as 2031-05-14: nothing counts for good." in said


@pytest.mark.parametrize("value", ["", "  ", "<name of the release manager>"])
@pytest.mark.parametrize(
    ("key", "entry", "fields"),
    [
        ("waivers", WAIVER, ("by", "reason")),
        ("statements", STATEMENT, ("by", "text")),
        ("break_glass", GLASS, ("by", "reason")),
    ],
)
def test_a_claim_names_somebody_and_something(
    key: str, entry: dict[str, Any], fields: tuple[str, ...], value: str
) -> None:
    for name in fields:
        changed = {**entry, name: value}
        said = refused(**{key: changed if key == "break_glass" else [changed]})
        assert f".{name}: got {value!r}; must be filled in: neither empty nor in angle brackets" in said


def test_an_unknown_item_is_refused_in_a_claim() -> None:
    assert "checklist.waivers.0.item: got 'test'; should be 'merged'" in refused(waivers=[{**WAIVER, "item": "test"}])
    assert "break_glass.items.0: got 'test'" in refused(break_glass={**GLASS, "items": ["test"]})
    assert "break_glass.items: got none" in refused(break_glass={**GLASS, "items": []})


def test_a_break_glass_waiver_is_for_one_release() -> None:
    without = {name: value for name, value in GLASS.items() if name != "release"}
    assert "checklist.break_glass.release: is missing" in refused(break_glass=without)


def test_a_statement_does_not_end_before_it_is_made() -> None:
    said = refused(statements=[{**STATEMENT, "until": "2031-05-12"}])
    assert "checklist.statements.0.until: got '2031-05-12'; must not be before `dated` (2031-05-13)" in said


def test_a_day_that_there_is_not_is_refused() -> None:
    assert "checklist.waivers.0.until: got 'next week'" in refused(waivers=[{**WAIVER, "until": "next week"}])


def test_what_can_be_proven_is_not_stated() -> None:
    said = refused(statements=[{**STATEMENT, "item": "tests"}])
    assert said.startswith("checklist.statements: got a list; must not state tests: only architecture, announcement, ")
    assert "waive it under checklist.waivers, or add it to checklist.may_be_stated" in said
    assert read(may_be_stated=["tests"], statements=[{**STATEMENT, "item": "tests"}]).statements


def test_the_token_of_the_forge_is_a_secret() -> None:
    assert ("forge", "token") in set(secret_paths(ChecklistSettings))
    assert "hunter2" not in repr(read(forge={**FORGE, "token": "hunter2-the-secret"}))
