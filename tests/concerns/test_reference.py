"""The page of all settings: that of the models, with a meaning for every setting, and no text that breaks its table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, SecretStr

from commands.schema import REFERENCE, reference
from concerns.concern import DNS_LABEL, Concern
from concerns.reference import Reader, page
from settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class Inner(Concern):
    """What is inside.

    More of it.
    """

    share_percent: float = Field(default=2.5, gt=0, lt=100, description="Share of a|b.")
    token: SecretStr | None = Field(default=None, description="Given as <token>, `<so>`.")


class Entry(Concern):
    """One of several."""

    name: str = Field(pattern=DNS_LABEL, description="Its name.")


class Outer(Concern):
    """A concern."""

    count: int = Field(ge=1, le=9, description="How many.")
    mode: Literal["on", "off"] = Field(default="off", description="Whether.")
    inner: Inner = Inner(share_percent=4)
    maybe: Inner | None = None
    entries: tuple[Entry, ...] = ()


class Whole(Concern):
    """Everything."""

    outer: Outer
    free: Inner = Inner()


def row(text: str, key: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| `{key}` |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.fixture(scope="module")
def made() -> str:
    stacks = {
        "dev": {"outer": {"count": 2, "entries": [{"name": "a"}, {"name": "b"}]}},
        "prod": {"outer": {"count": 2, "mode": "on", "maybe": {"token": "(a secret)"}}},
    }
    return page(Whole, stacks)


def test_a_row_says_what_may_stand_there_what_stands_there_and_what_it_means(made: str) -> None:
    assert row(made, "outer.count") == ["whole number, 1 to 9", "*needed*", "How many.", "`2`"]
    assert row(made, "outer.mode") == ["`on`, `off`", "`off`", "Whether.", "prod: `on`"]
    assert row(made, "outer.entries[].name") == ["DNS label", "*needed*", "Its name.", ""]
    assert row(made, "outer.entries") == ["list of objects", "-", "One of several.", "dev: 2 of them"]


def test_of_an_object_it_says_only_what_its_own_settings_do_not(made: str) -> None:
    assert row(made, "outer.inner")[:3] == ["object", "`share_percent: 4.0`", "What is inside."]
    assert "May be left out." in made.partition("## free")[2]
    assert "More of it." in made.partition("## free")[2]


def test_a_secret_is_never_shown(made: str) -> None:
    assert row(made, "outer.maybe.token")[3] == "prod: set"
    assert row(made, "outer.maybe.token")[0] == "secret"


def test_no_text_breaks_its_table_or_is_taken_for_html(made: str) -> None:
    assert row(made, "free.share_percent")[2] == "Share of a&#124;b."
    assert row(made, "free.token")[2] == "Given as &lt;token>, `<so>`."


def test_the_page_is_that_of_the_models_and_the_stack_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "run: make schema"


def test_every_setting_says_what_it_means() -> None:
    model = Settings.model_json_schema()
    reader = Reader(model["$defs"])
    found = [one for name, part in model["properties"].items() for one in reader.settings(name, part, needed=True)]
    assert len(found) > 200
    assert [one.key for one in found if not one.meaning] == [], "give it a description in concerns/, then: make schema"
