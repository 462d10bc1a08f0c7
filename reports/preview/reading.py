"""Reads the facts of a preview out of the engine's events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.preview.capacity import Capacity, Workload, workload
from reports.preview.events import UNKNOWN, Diagnostic, Event, Said, Step, StepState, Violation, read_events
from reports.preview.facts import STEP, Change, ChecklistItem, StackPreview

STACK = "pulumi:pulumi:Stack"
CHECKLIST = "release-manager:release:Checklist"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_OURS = "release-manager:"
_COLOUR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
# A resource has several steps where it is replaced: the word for all of them together is the strongest.
_ACTIONS = {
    "update": "update",
    "import": "import",
    "create": "create",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "import-replacement": "replace",
}
_STRENGTH = {action: strength for strength, action in enumerate(dict.fromkeys(_ACTIONS.values()))}
# In which words the program itself holds a release that has open items; the table of them follows.
_HELD = re.compile(r"^(?:error: )?\d+ items? of the checklist of \S+ (?:is|are) open\b")
# What the command line adds to errors that it has shown already.
_SAYS_NOTHING = re.compile(r"(preview|update) failed$|no changes were expected\b")
_SIGNS = {"add": "+", "delete": "-", "update": "~"}
_REPLACES = "-replace"


@dataclass
class _Reading:
    """What the events have told so far."""

    stack: str
    actions: dict[str, str] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    refreshed: set[str] = field(default_factory=set)
    drift: dict[str, Change] = field(default_factory=dict)
    same: set[str] = field(default_factory=set)
    workloads: dict[str, tuple[Workload | None, Workload | None]] = field(default_factory=dict)
    checklist: Mapping[str, Any] = field(default_factory=dict)
    versions: tuple[str, str] = ("", "")
    diagnostics: list[Diagnostic] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)
    not_passed: set[str] = field(default_factory=set)
    result: str = ""

    def take(self, event: Event | Said) -> None:
        if isinstance(event, Said):
            self.said.append(event.text)
            return
        if event.begins is not None:
            self._begins(event.begins.metadata)
        if event.ends is not None:
            self._ends(event.ends.metadata)
        if event.diagnostic is not None and not event.diagnostic.ephemeral:
            self.diagnostics.append(event.diagnostic)
        if event.violation is not None:
            self.violations.append(event.violation)
        for policies in (event.resource_policies, event.stack_policies):
            if policies is not None:
                self.passed.update(policies.passed or ())
                self.not_passed.update(policies.failed or ())
        if event.summary is not None:
            self.result = event.summary.result

    def _begins(self, step: Step) -> None:
        if step.op == "refresh":
            self.refreshed.add(step.urn)
            return
        self.refreshed.discard(step.urn)
        action = _ACTIONS.get(step.op)
        if action is None:
            self.same.add(step.urn)
        elif _STRENGTH[action] >= _STRENGTH.get(self.actions.get(step.urn, ""), -1):
            self.actions[step.urn] = action
            self.steps[step.urn] = step
        self._look(step)

    def _ends(self, step: Step) -> None:
        if step.urn in self.refreshed:
            # The end of a refresh says what it found: an update of the state is what somebody else has changed.
            drifted = (step.op == "update" and step.detailed_diff is not None) or step.op == "delete"
            if drifted:
                self.drift[step.urn] = _change("gone" if step.op == "delete" else "changed", step)
            return
        self._look(step)

    def _look(self, step: Step) -> None:
        if step.type == DEPLOYMENT:
            before, after = (workload(step.urn, _inputs(state)) for state in (step.old, step.new))
            self.workloads[step.urn] = (before, None if step.op == "delete" else after)
        elif step.type == CHECKLIST and step.new is not None:
            found = _inputs(step.new).get("items")
            self.checklist = found if isinstance(found, Mapping) else self.checklist
        elif step.type == STACK:
            before, after = (_outputs(state).get("version", "") for state in (step.old, step.new))
            self.versions = (str(before), "" if after == UNKNOWN else str(after))

    def told(self, severity: str) -> tuple[str, ...]:
        lines = [_plain(each.message) for each in self.diagnostics if each.severity == severity]
        return tuple(dict.fromkeys(line for line in lines if line))


def preview_of(stack: str, file: Path) -> StackPreview:
    """Return what the events in `file` say of `stack`. Raises EventsError."""
    return facts(stack, read_events(file))


def facts(stack: str, events: Iterable[Event | Said]) -> StackPreview:
    """Return what the events say of `stack`."""
    reading = _Reading(stack)
    for event in events:
        reading.take(event)
    changes = [_change(action, reading.steps[urn]) for urn, action in reading.actions.items() if _kept(reading, urn)]
    of_checklist = [each for each in reading.violations if _type_of(each.resource_urn) == CHECKLIST]
    plans = _plans(reading)
    before = [each for each, _ in reading.workloads.values() if each is not None]
    after = [each for _, each in reading.workloads.values() if each is not None]
    said = [line.removeprefix("error: ") for line in map(_plain, reading.said) if line.startswith("error: ")]
    errors = [each for each in dict.fromkeys([*reading.told("error"), *said]) if not _SAYS_NOTHING.match(each)]
    holding = [each for each in errors if _HELD.match(each)]
    return StackPreview(
        stack=stack,
        complete=reading.result == "succeeded",
        version_before=reading.versions[0],
        version=reading.versions[1],
        changes=tuple(sorted(changes, key=lambda each: (-_STRENGTH[each.action], each.kind, each.name))),
        unchanged=len(reading.same - set(reading.actions)),
        drift=tuple(reading.drift.values()),
        plans=plans,
        checklist=_items(reading.checklist),
        held=tuple(dict.fromkeys([*holding, *(_plain(each.message) for each in of_checklist)])),
        violations=tuple(each for each in reading.violations if each not in of_checklist),
        policies_passed=frozenset(reading.passed - reading.not_passed),
        capacity=Capacity.of(before, after, [line for line in plans if STEP.match(line)]),
        errors=tuple(each for each in errors if each not in holding),
        warnings=reading.told("warning"),
    )


def _plans(reading: _Reading) -> tuple[str, ...]:
    """Return what our own components say of what they will do, but for the checklist, whose items are known."""
    kinds = [(_type_of(each.urn), each) for each in reading.diagnostics if each.severity == "info"]
    ours = [_plain(each.message) for kind, each in kinds if kind.startswith(_OURS) and kind != CHECKLIST]
    return tuple(dict.fromkeys(ours))


def _kept(reading: _Reading, urn: str) -> bool:
    """Whether a provider keeps the resource: a component only groups others, which are listed themselves."""
    step = reading.steps[urn]
    return any(state is not None and state.custom for state in (step.new, step.old))


def _change(action: str, step: Step) -> Change:
    kind, name = step.type.rpartition(":")[2], step.urn.rpartition("::")[2]
    if step.detailed_diff:
        paths = tuple(f"{_sign(each.diff_kind)} {path}" for path, each in sorted(step.detailed_diff.items()))
    else:
        paths = tuple(f"~ {path}" for path in sorted(step.diffs or ()))
    component = _types_of(step.urn).rpartition("$")[0].rpartition("$")[2].rpartition(":")[2]
    return Change(action, kind, name, paths if action not in {"create", "delete"} else (), component)


def _sign(kind: str) -> str:
    sign = _SIGNS.get(kind.removesuffix(_REPLACES), "~")
    return f"{sign} (replaces)" if kind.endswith(_REPLACES) else sign


def _items(items: Mapping[str, Any]) -> tuple[ChecklistItem, ...]:
    found = []
    for key, item in sorted(items.items()):
        fields = item if isinstance(item, Mapping) else {}
        texts = {name: _text(fields.get(name)) for name in ("title", "source", "value", "link", "closes", "until")}
        digits = re.match(r"\d+", str(key))
        number = fields.get("number", digits[0] if digits else 0)
        # An item whose own fields are not known yet is as open as one that nobody has looked at.
        state = _text(fields.get("state")) or "unknown"
        required = fields.get("required", True) not in {False, "false"}
        found.append(ChecklistItem(number=int(float(number)), required=required, state=state, **texts))
    return tuple(sorted(found, key=lambda each: each.number))


def _text(value: object) -> str:
    return "" if value is None or value == UNKNOWN else str(value)


def _types_of(urn: str) -> str:
    """Return the types of the parents of the resource that a URN names, and of itself, parted by `$`."""
    parts = urn.split("::")
    return parts[2] if len(parts) > 2 else ""


def _type_of(urn: str) -> str:
    return _types_of(urn).rpartition("$")[2]


def _plain(message: str) -> str:
    return _COLOUR.sub("", message).strip()


def _inputs(state: StepState | None) -> Mapping[str, Any]:
    return {} if state is None else state.inputs or {}


def _outputs(state: StepState | None) -> Mapping[str, Any]:
    return {} if state is None else state.outputs or {}
