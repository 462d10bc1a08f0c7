"""What a reviewer is told of a preview is what the engine's events say: no less, and no value of any property."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from reports.preview.events import EventsError
from reports.preview.facts import StackPreview
from reports.preview.reading import preview_of
from tests.reports.preview.engine_events import (
    CHECKLIST,
    CONFIG_MAP,
    DEPLOYMENT,
    GATE,
    Json,
    begins,
    checklist,
    ends,
    item,
    pods,
    policies,
    says,
    step_line,
    summary,
    urn,
    versions,
    violates,
    write,
)


def read(tmp_path: Path, *events: Json | str) -> StackPreview:
    return preview_of("prod", write(tmp_path / "prod.jsonl", *events))


def test_each_change_is_named_with_its_properties_and_without_their_values(tmp_path: Path) -> None:
    diff = {"spec.template.spec.containers[0].image": {"diffKind": "update", "inputDiff": True}}
    before, after = pods(9, TOKEN="hunter2"), pods(9, TOKEN="hunter3")
    found = read(
        tmp_path,
        begins("update", DEPLOYMENT, "rollout-stable", old=before, new=after, detailedDiff=diff),
        begins("create", CONFIG_MAP, "step", new={"data": {"a": "hunter2"}}),
        summary(),
    )
    assert [(each.action, each.kind, each.name, each.paths) for each in found.changes] == [
        ("create", "ConfigMap", "step", ()),
        ("update", "Deployment", "rollout-stable", ("~ spec.template.spec.containers[0].image",)),
    ]
    assert "hunter" not in repr(found)


def test_the_steps_of_a_replacement_are_one_change(tmp_path: Path) -> None:
    job, diff = "kubernetes:batch/v1:Job", {"spec": {"diffKind": "update-replace", "inputDiff": True}}
    steps = [begins(op, job, "m", old={}, new={}, detailedDiff=diff) for op in ("create-replacement", "replace")]
    found = read(tmp_path, *steps, begins("delete-replaced", job, "m", old={}), summary())
    assert [(each.action, each.name) for each in found.changes] == [("replace", "m")]


def test_components_are_not_listed_beside_what_they_hold(tmp_path: Path) -> None:
    assert read(tmp_path, begins("create", GATE, "gate", new={}), summary()).changes == ()


def test_what_somebody_else_changed_is_drift_and_no_change_of_the_release(tmp_path: Path) -> None:
    diff = {"spec.replicas": {"diffKind": "update", "inputDiff": False}}
    found = read(
        tmp_path,
        begins("refresh", DEPLOYMENT, "rollout-stable", old=pods(9), new=pods(9)),
        ends("update", DEPLOYMENT, "rollout-stable", old=pods(9), new=pods(3), detailedDiff=diff),
        begins("refresh", CONFIG_MAP, "kept", old={}, new={}),
        ends("same", CONFIG_MAP, "kept", old={}, new={}),
        begins("refresh", CONFIG_MAP, "lost", old={}, new={}),
        ends("delete", CONFIG_MAP, "lost", old={}),
        begins("update", DEPLOYMENT, "rollout-stable", old=pods(3), new=pods(9), detailedDiff=diff),
        ends("update", DEPLOYMENT, "rollout-stable", old=pods(3), new=pods(9), detailedDiff=diff),
        summary(),
    )
    assert [(each.action, each.name) for each in found.drift] == [("changed", "rollout-stable"), ("gone", "lost")]
    assert [(each.action, each.name) for each in found.changes] == [("update", "rollout-stable")]


def test_the_capacity_is_that_at_rest_and_at_the_peak_of_the_canary(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        begins("same", DEPLOYMENT, "rollout-canary", old=pods(0), new=pods(0)),
        begins("update", DEPLOYMENT, "rollout-stable", old=pods(6), new=pods(9, cpu="100m")),
        step_line(10, 1, 20),
        step_line(50, 9, 20),
        summary(),
    ).capacity
    assert found.before is not None
    assert found.before.text == "6 pods, 0.3 CPU, 768 MiB"
    assert found.after is not None
    assert found.after.text == "9 pods, 0.9 CPU, 1152 MiB"
    assert found.during is not None
    assert (found.during.pods, found.during.cpu) == (9 + 9 + 1, Decimal("1.9"))


def test_a_canary_within_a_fixed_total_adds_no_pods_but_those_of_the_surge(tmp_path: Path) -> None:
    text = "step 10 %: 1 canary pods beside a total of 9; goes on"
    stable = begins("same", DEPLOYMENT, "rollout-stable", old=pods(9), new=pods(9))
    found = read(tmp_path, stable, says(text, of=urn(GATE, "g")), summary()).capacity
    assert found.during is not None
    assert found.during.pods == 10


def test_the_plan_of_each_gate_is_told_without_colours(tmp_path: Path) -> None:
    found = read(tmp_path, step_line(10, 1, 31), says("a note", of=urn(CONFIG_MAP, "x")), summary())
    assert found.steps == found.plans
    assert len(found.plans) == 1
    assert found.plans[0].endswith("now about 31 s")


def test_the_checklist_comes_from_the_inputs_of_its_resource(tmp_path: Path) -> None:
    waived, optional = item(4, "waived", until="2026-12-01"), item(11, "missing", required=False)
    found = read(tmp_path, checklist(item(10, "missing"), item(1), waived, optional), summary())
    assert [(each.number, each.state, each.open) for each in found.checklist] == [
        (1, "proven", False),
        (4, "waived", False),
        (10, "missing", True),
        (11, "missing", True),
    ]
    assert [each.number for each in found.open_items] == [10]


def test_an_item_whose_fields_are_not_known_is_open(tmp_path: Path) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    items = {"items": {"07-notes": unknown, "08-migration": {"number": 8.0, "state": unknown}}}
    found = read(tmp_path, begins("create", CHECKLIST, "checklist", new=items), summary())
    assert [(each.number, each.state) for each in found.open_items] == [(7, "unknown"), (8, "unknown")]


def test_what_is_open_on_the_checklist_does_not_make_the_change_a_failed_one(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        checklist(item(10, "missing")),
        violates("checklist-approval", "item 10 is open", of=urn(CHECKLIST, "checklist")),
        "error: preview failed",
        summary("failed"),
    )
    assert (found.failed, found.errors, found.held, found.violations) == (False, (), ("item 10 is open",), ())


def test_a_program_that_holds_a_release_with_open_items_does_not_make_the_change_a_failed_one(tmp_path: Path) -> None:
    text = "2 items of the checklist of prod are open; nothing was changed:\n10 approval  not approved"
    found = read(tmp_path, says(text, severity="error"), "error: preview failed", summary("failed"))
    assert (found.failed, found.errors, found.held) == (False, (), (text,))


def test_the_table_of_the_checklist_is_no_plan_of_a_gate(tmp_path: Path) -> None:
    assert read(tmp_path, says("a table", of=urn(CHECKLIST, "checklist")), summary()).plans == ()


@pytest.mark.parametrize(
    "events",
    [
        [violates("digest", "uses a tag", of=urn(DEPLOYMENT, "rollout-stable")), summary("failed")],
        [says("the cluster cannot be reached", severity="error"), summary("failed")],
        ["error: no stack named 'prod' found"],
        [begins("create", CONFIG_MAP, "step", new={})],
    ],
)
def test_a_change_that_cannot_be_released_is_a_failed_one(tmp_path: Path, events: list[Json | str]) -> None:
    assert read(tmp_path, *events).failed


def test_an_advisory_policy_blocks_nothing_and_is_told(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        violates("labels", "no owner", of=urn(DEPLOYMENT, "d"), level="advisory"),
        policies(["digest", "labels"]),
        policies(["digest"], ["labels"]),
        summary(),
    )
    assert (found.failed, len(found.violations), found.policies_passed) == (False, 1, frozenset({"digest"}))


def test_the_versions_before_and_after_are_those_of_the_stack(tmp_path: Path) -> None:
    found = read(tmp_path, versions("v2026.11.01", "v2026.11.23"), summary())
    assert (found.version_before, found.version) == ("v2026.11.01", "v2026.11.23")
    assert read(tmp_path, versions("v2026.11.01"), summary()).version == ""


def test_one_object_in_place_of_events_is_refused_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(EventsError, match="PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true"):
        read(tmp_path, "{", '"steps": []', "}")


def test_an_event_of_another_form_is_refused_without_its_content(tmp_path: Path) -> None:
    with pytest.raises(EventsError, match=r"line 1 .*is no event") as caught:
        read(tmp_path, '{"resourcePreEvent": {"metadata": {"op": ["hunter2"]}}}')
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(EventsError, match="cannot be read"):
        preview_of("prod", tmp_path / "nothing")
