"""A rollback counts as tested only by the dated proof of a drill that passed, and is young enough."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from concerns.checklist_sources import DrillSettings
from evidence.checklist.drill_item import LARGEST_FILE_BYTES, DrillProof, drill_prover, drill_record
from evidence.checklist.proof import Proof, State
from tests.evidence.checklist.services import Kubernetes, ago, away, path, says_what_closes, wall_clock
from tests.recorded import Json

DRILL = DrillProof(
    at=ago(days=20),
    stack="staging",
    version_good="v2024.04.23.101500",
    version_bad="v2024.04.24.093000",
    by="Ann",
    passed=True,
    seconds_to_safe=0.94,
)
DEPLOYMENT = "release-manager-staging"
IN_CLUSTER = DrillSettings(maximum_age_days=30, namespace="staging", deployment=DEPLOYMENT)
IN_FILE = DrillSettings(maximum_age_days=30, file="releases/drill.json")
RECORD = path("api/v1", "configmaps", f"{DEPLOYMENT}-drill", "staging")
MEND = "make drill STACK=staging"


def kept(data: dict[str, str] | None) -> Kubernetes:
    found: Json | httpx.Response = httpx.Response(404, json={})
    if data is not None:
        found = {"metadata": {"name": f"{DEPLOYMENT}-drill"}, "data": data}
    return Kubernetes(answers={RECORD: found})


def prove(wanted: DrillSettings | None, directory: Path, server: Kubernetes | None = None) -> Proof:
    cluster = server or Kubernetes()
    return drill_prover(
        wanted, stack="prod", directory=directory, cluster_in=cluster.cluster_in, wall_clock=wall_clock
    )()


def of(drill: DrillProof, tmp_path: Path) -> Proof:
    return prove(IN_CLUSTER, tmp_path, kept(drill.to_data()))


def test_a_drill_is_read_back_as_it_was_written() -> None:
    data = DRILL.to_data()
    assert set(data) == {"at", "stack", "version_good", "version_bad", "by", "passed", "seconds_to_safe"}
    assert all(isinstance(value, str) for value in data.values())
    assert DrillProof.from_data(data) == DRILL
    failed = replace(DRILL, passed=False)
    assert DrillProof.from_data(failed.to_data()) == failed
    assert drill_record(DEPLOYMENT) == "release-manager-staging-drill"


@pytest.mark.parametrize(
    ("key", "value"),
    [("at", "yesterday"), ("at", "2024-05-14T09:30:00"), ("passed", "perhaps"), ("seconds_to_safe", "-1"), ("by", "")],
)
def test_a_record_that_is_wrong_names_its_key(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: "):
        DrillProof.from_data({**DRILL.to_data(), key: value})
    without = {name: text for name, text in DRILL.to_data().items() if name != key}
    with pytest.raises(ValueError, match=f"^{key}: "):
        DrillProof.from_data(without)


def test_a_drill_that_passed_is_proven_until_it_is_too_old(tmp_path: Path) -> None:
    proof = of(DRILL, tmp_path)
    assert proof.state is State.PROVEN
    assert proof.value == (
        "on 2024-04-24 staging was taken back from v2024.04.24.093000 to v2024.04.23.101500 in 0.9 s, run by Ann"
    )
    assert (proof.seen, proof.until) == ("20 d 0 h ago", "2024-05-24")
    assert proof.source == "ConfigMap release-manager-staging-drill in staging"


@pytest.mark.parametrize(
    ("drill", "state"),
    [
        (replace(DRILL, at=ago(days=29.9)), State.PROVEN),
        (replace(DRILL, at=ago(days=30.1)), State.EXPIRED),
        (replace(DRILL, passed=False), State.MISSING),
        (replace(DRILL, at=ago(days=40), passed=False), State.MISSING),
        (replace(DRILL, stack="dev"), State.MISSING),
        (replace(DRILL, at=ago(days=-1)), State.UNKNOWN),
    ],
)
def test_only_a_young_drill_of_the_right_stack_that_passed_counts(
    drill: DrillProof, state: State, tmp_path: Path
) -> None:
    proof = of(drill, tmp_path)
    assert proof.state is state
    if state is not State.PROVEN:
        assert says_what_closes(proof, state)
        assert MEND in proof.closes


def test_no_drill_yet_is_missing(tmp_path: Path) -> None:
    for proof in (prove(IN_CLUSTER, tmp_path, kept(None)), prove(IN_FILE, tmp_path)):
        assert says_what_closes(proof, State.MISSING)
        assert (proof.value, proof.closes) == ("there was no drill yet", MEND)


def test_a_file_of_the_project_holds_the_same(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "drill.json").write_text(json.dumps(DRILL.to_data()), encoding="utf-8")
    proof = prove(IN_FILE, tmp_path)
    assert (proof.state, proof.source) == (State.PROVEN, "releases/drill.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"passed": true}', b"{}", b"\xff\xfe", b'"' + b"x" * LARGEST_FILE_BYTES + b'"'],
)
def test_a_file_that_is_nonsense_is_unknown(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "drill.json").write_bytes(content)
    proof = prove(IN_FILE, tmp_path)
    assert says_what_closes(proof, State.UNKNOWN)
    assert MEND in proof.closes


@pytest.mark.parametrize("data", [{}, {"passed": "true"}, {**DRILL.to_data(), "seconds_to_safe": "nan"}])
def test_a_record_that_is_nonsense_is_unknown(data: dict[str, str], tmp_path: Path) -> None:
    assert says_what_closes(prove(IN_CLUSTER, tmp_path, kept(data)), State.UNKNOWN)


def test_a_cluster_that_is_away_leaves_it_unknown(tmp_path: Path) -> None:
    assert says_what_closes(prove(IN_CLUSTER, tmp_path, Kubernetes(fails=away)), State.UNKNOWN)
    html = Kubernetes(fails=lambda _request: httpx.Response(200, text="<html>"))
    assert says_what_closes(prove(IN_CLUSTER, tmp_path, html), State.UNKNOWN)


def test_what_is_not_configured_is_missing(tmp_path: Path) -> None:
    proof = prove(None, tmp_path)
    assert says_what_closes(proof, State.MISSING)
    assert "checklist.drill" in proof.closes


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({}, "exactly one of: deployment, file"),
        ({"namespace": "staging"}, "namespace and deployment together"),
        ({"namespace": "staging", "deployment": "x", "file": "y"}, "exactly one of: deployment, file"),
    ],
)
def test_the_settings_name_one_place(places: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DrillSettings.model_validate({"maximum_age_days": 30, **places})
