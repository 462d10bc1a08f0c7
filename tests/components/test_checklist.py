"""The checklist's resource has the facts as they are, shows the table, and keeps a record that everything waits for."""

from __future__ import annotations

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

from components.checklist import Checklist, ChecklistArgs
from evidence.checklist.checklist import Checklist as Found
from evidence.checklist.checklist import Line
from evidence.checklist.item import ITEMS
from evidence.checklist.proof import Proof, State
from policies.rules.checklist import CHECKLIST as KIND
from policies.rules.checklist import RULES
from policies.rules.rule import Given
from tests.components.recorder import Recorder, declare
from tests.stack_values import settings_of

RECORD = "kubernetes:core/v1:ConfigMap"
PROVEN = Proof(State.PROVEN, "git", "as it should be", seen="4 s ago")


def found(**others: Proof) -> Found:
    """Return a checklist that is complete, but for `others` by the name of the item; all are required."""
    lines = tuple(Line(each, others.get(each.name.replace("-", "_"), PROVEN), required=True) for each in ITEMS)
    return Found("staging", "v2031.05.14", lines)


def checklist(of: Found, *, preview: bool = False, settled: bool = False) -> Recorder:
    return declare(lambda: Checklist("checklist", ChecklistArgs(settings_of(), of, settled)), preview=preview)


def test_its_inputs_are_the_facts_without_what_changes_with_every_look() -> None:
    inputs = checklist(found()).only(KIND).inputs
    assert inputs == found().inputs()
    assert "4 s ago" not in str(inputs)


def test_what_the_engine_is_asked_for_passes_the_rules() -> None:
    inputs = checklist(found()).only(KIND).inputs
    assert [text for rule in RULES for text in rule.check(inputs, Given("staging"))] == []


def test_its_record_says_how_each_item_stood() -> None:
    stood = found(
        backup=Proof(State.WAIVED, "settings", "ann: the store moves", until="2031-05-15"),
        review=Proof(State.PROVEN, "github", "#12", link="https://github.com/o/r/pull/12"),
    )
    record = checklist(stood).only(RECORD)
    assert record.object_name == "release-manager-staging-checklist"
    assert record.inputs["metadata"]["namespace"] == "staging"
    data = record.inputs["data"]
    assert len(data) == 20
    assert data["version"] == "v2031.05.14"
    assert data["16-backup"] == "waived: ann: the store moves; source settings; until 2031-05-15; required"
    assert data["03-review"] == "proven: #12; source github; link https://github.com/o/r/pull/12; required"


def test_its_record_is_a_plain_child_that_no_hook_holds_up() -> None:
    recorder = checklist(found())
    record = recorder.only(RECORD)
    assert record.parent == recorder.only(KIND).urn
    assert record.hooks == {}


def test_what_depends_on_it_waits_for_its_record() -> None:
    def program() -> None:
        first = Checklist("checklist", ChecklistArgs(settings_of(), found(), settled=False))
        pulumi.ComponentResource("a:b:C", "later", {}, pulumi.ResourceOptions(depends_on=[first]))

    recorder = declare(program)
    assert recorder.only(RECORD).urn in recorder.only("a:b:C").dependencies


def test_an_update_ends_while_an_item_is_open() -> None:
    opened = found(tests=Proof(State.MISSING, "github", "no run", closes="run them"))
    with pytest.raises(pulumi.RunError, match="1 item of the checklist of staging is open"):
        checklist(opened)
    SETTINGS.outputs.clear()


def test_once_the_release_is_settled_both_stay_as_they_are() -> None:
    settled = checklist(found(window=Proof(State.MISSING, "clock", "closed")), settled=True)
    assert set(settled.only(KIND).ignored) == {"environment", "version", "items"}
    assert settled.only(RECORD).ignored == ["data"]
    assert checklist(found()).only(KIND).ignored == []


@pytest.mark.parametrize("preview", [True, False])
def test_the_table_is_shown(monkeypatch: pytest.MonkeyPatch, *, preview: bool) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda text, _of: told.append(text))
    checklist(found(), preview=preview)
    [table] = told
    assert all(each.title[:30] in table for each in ITEMS)
