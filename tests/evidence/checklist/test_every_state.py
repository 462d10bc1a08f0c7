"""Each of the nineteen items, through its own prover: proven, stated, waived, expired, missing, and its service down.

test_code.py does so for the items that git, the forge, files and people answer; here are those of the infrastructure.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from concerns.checklist_sources import ChecklistSources
from evidence.checklist.checklist import Line
from evidence.checklist.gather import gather
from evidence.checklist.infrastructure import Infrastructure, ReleaseFacts, provers_of_infrastructure
from evidence.checklist.item import BY_NAME
from evidence.checklist.proof import State
from tests.evidence.checklist.candidates import VERSION, checklist_settings
from tests.evidence.checklist.services import NOW, Kubernetes, Web, away, wall_clock
from tests.evidence.checklist.test_code import NAMES as OF_CODE
from tests.evidence.checklist.test_code import statement, waiver
from tests.evidence.checklist.test_infrastructure import NUMBERS, RELEASE, SOURCES, answer, around, well
from tests.evidence.checklist.test_migration_item import planned
from tests.recorded import IMAGE

NAMES = tuple(each.name for each in BY_NAME.values() if each.number in NUMBERS)
EACH = pytest.mark.parametrize("name", NAMES)
TODAY = NOW.date()
# What is found without the settings that say where to look; the others need nothing but a situation that is wrong.
NOT_SET = ("announcement", "on-call", "backup", "monitoring", "logs", "rollback")
Situation = Callable[[], tuple[Infrastructure, ReleaseFacts]]


def safe(found: Infrastructure) -> Infrastructure:
    """Return the surroundings of a stack whose SQL is reviewed."""
    return replace(found, migration=found.migration.model_copy(update={"mode": "safe"}))


def all_well() -> tuple[Infrastructure, ReleaseFacts]:
    return around(well(), Web(answer), **SOURCES), RELEASE


def all_down() -> tuple[Infrastructure, ReleaseFacts]:
    # The window asks nobody but the clock; what it needs to know is in the release file.
    return safe(around(Kubernetes(fails=away), Web(away), **SOURCES)), replace(RELEASE, estimated_minutes=None)


def _unset() -> tuple[Infrastructure, ReleaseFacts]:
    return around(well(), Web(answer)), replace(RELEASE, announcement="")


def _closed() -> tuple[Infrastructure, ReleaseFacts]:
    found, release = all_well()
    return replace(found, wall_clock=lambda: wall_clock() + timedelta(hours=6)), release


def _unapproved() -> tuple[Infrastructure, ReleaseFacts]:
    found, release = all_well()
    return replace(safe(found), cluster=planned().cluster()), replace(release, image=IMAGE)


def _unhealthy() -> tuple[Infrastructure, ReleaseFacts]:
    found, release = all_well()
    condition = {"type": "Ready", "status": "False"}
    node: Any = {"metadata": {"name": "node-1"}, "status": {"conditions": [condition]}}
    return replace(found, nodes=lambda: [node]), release


def missing(name: str) -> tuple[Infrastructure, ReleaseFacts]:
    """Return a situation in which the item is looked for, and is not there."""
    others = {"window": _closed, "migration": _unapproved, "environment": _unhealthy}
    return others.get(name, _unset)()


def line(name: str, situation: tuple[Infrastructure, ReleaseFacts], **values: Any) -> Line:
    settings = checklist_settings(required=[name], timeout_seconds=30, **values)
    prover = provers_of_infrastructure(*situation)[name]
    found = gather({name: prover}, settings, environment="prod", version=VERSION, today=TODAY)
    return next(each for each in found.lines if each.item.name == name)


def until(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def said(name: str, day: str) -> dict[str, Any]:
    """Return the statement of test_code.py on the day of this one."""
    found: dict[str, Any] = json.loads(json.dumps(statement(name, day)))
    found["statements"][0]["dated"] = until(-30)
    return found


def test_all_nineteen_items_are_driven_through_every_state() -> None:
    assert sorted((*OF_CODE, *NAMES)) == sorted(BY_NAME)
    assert set(NOT_SET) <= set(NAMES)
    assert set(ChecklistSources.model_fields) - {"api"} == set(SOURCES)


@EACH
def test_it_is_proven(name: str) -> None:
    found = line(name, all_well())
    assert (found.proof.state, found.open) == (State.PROVEN, False)


@EACH
def test_what_is_not_there_is_missing_with_what_closes_it(name: str) -> None:
    found = line(name, missing(name))
    assert (found.proof.state, found.open) == (State.MISSING, True)
    assert found.proof.closes


@EACH
@pytest.mark.parametrize("situation", [missing, lambda _name: all_down()], ids=["missing", "down"])
def test_it_can_be_stated_and_waived_whether_it_is_missing_or_nobody_answers(
    name: str, situation: Callable[[str], tuple[Infrastructure, ReleaseFacts]]
) -> None:
    stated = line(name, situation(name), **said(name, until(0)))
    assert (stated.proof.state, stated.open) == (State.STATED, False)
    waived = line(name, situation(name), **waiver(name, until(0)))
    assert (waived.proof.state, waived.open) == (State.WAIVED, False)


@EACH
@pytest.mark.parametrize("claim", [said, waiver])
def test_what_was_stated_or_waived_until_yesterday_has_expired(
    name: str, claim: Callable[[str, str], dict[str, Any]]
) -> None:
    found = line(name, missing(name), **claim(name, until(-1)))
    assert (found.proof.state, found.open) == (State.EXPIRED, True)


@EACH
def test_with_its_service_down_it_is_unknown_and_blocks_with_what_to_look_at(name: str) -> None:
    found = line(name, all_down())
    assert (found.proof.state, found.open) == (State.UNKNOWN, True)
    assert found.proof.closes


@EACH
def test_an_expired_claim_does_not_turn_what_nobody_knows_into_something_else(name: str) -> None:
    assert line(name, all_down(), **waiver(name, until(-1))).proof.state is State.UNKNOWN
