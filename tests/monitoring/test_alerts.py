"""Every limit of the guide has its alert, and every alert what a person and a gate need of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from canary import SEVERITIES
from monitoring.prometheus_rule import alerts, spec
from monitoring.rule import duration
from monitoring.state_alerts import WATCHDOG
from tests.monitoring.watched import monitoring_of, watched

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
HEADINGS = ["## What it means", "## Look", "## Do", "## Who"]
LONGEST_RUNBOOK = 60
ASKED_FOR = {
    "errors",
    "error budget",
    "latency",
    "database connections",
    "memory",
    "cache hit rate",
    "query latency",
    "health",
    "pods not answering",
    "pods not ready",
    "restarts",
    "migration failed",
    "release held",
    "watch failed",
    "backup too old",
    "backup unknown",
    "no data",
    "dead man's switch",
}


def documents(**changes: Any) -> list[dict[str, Any]]:
    of = watched(monitoring_of(**changes))
    return [rule for group in spec(of)["groups"] for rule in group["rules"] if "alert" in rule]


def test_every_limit_and_state_that_is_asked_for_has_an_alert() -> None:
    assert {each.about for each in alerts(watched())} == ASKED_FOR


@pytest.mark.parametrize("rule", documents(), ids=lambda rule: f"{rule['alert']} {rule['labels'].get('window', '')}")
def test_an_alert_says_who_where_how_bad_and_what_to_do(rule: dict[str, Any]) -> None:
    labels, annotations = rule["labels"], rule["annotations"]
    assert labels["severity"] in {"critical", "warning"} or rule["alert"] == WATCHDOG
    assert {name: labels[name] for name in ("namespace", "service", "stack", "owner")} == {
        "namespace": "staging",
        "service": "release-manager",
        "stack": "staging",
        "owner": "platform",
    }
    assert labels["gate"] in {"yes", "no"}
    assert annotations["summary"].strip() == annotations["summary"]
    assert "\n" not in annotations["summary"]
    assert annotations["runbook_url"] == f"https://runbooks.internal/release-manager/{rule['alert']}.md"


def test_no_two_alerts_are_taken_for_each_other() -> None:
    found = [(rule["alert"], tuple(sorted(rule["labels"].items()))) for rule in documents()]
    assert len(set(found)) == len(found)


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == {each.name for each in alerts(watched())}


@pytest.mark.parametrize("file", sorted(RUNBOOKS.glob("*.md")), ids=lambda file: file.stem)
def test_a_runbook_says_what_it_means_where_to_look_what_to_do_and_who(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == f"# {file.stem}"
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    assert len(lines) <= LONGEST_RUNBOOK
    assert all(part.strip() for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:])


@pytest.mark.parametrize("file", sorted(RUNBOOKS.glob("*.md")), ids=lambda file: file.stem)
def test_what_a_runbook_refers_to_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (file.parent / link).is_file(), link
    for name in re.findall(r"`(ReleaseManager\w+)`", text):
        assert (RUNBOOKS / f"{name}.md").is_file(), name


def test_what_needs_kube_state_metrics_is_left_out_where_there_is_none() -> None:
    """An alert that can never fire is taken for one that watches."""
    assert "kube_" not in " ".join(rule["expr"] for rule in documents(kube_state_metrics=False))
    assert "kube_" in " ".join(rule["expr"] for rule in documents())


BACKUPS: dict[str, Any] = {
    "metric": {"last_success": "backup_finished_seconds", "size": "backup_bytes"},
    "cron_job": {"name": "dump", "namespace": "databases"},
    "snapshot": {"claim": "database"},
}


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("metric", "backup_finished_seconds"),
        ("cron_job", 'kube_cronjob_status_last_successful_time{namespace="databases", cronjob="dump"}'),
    ],
)
def test_backups_are_watched_where_the_checklist_looks_for_them(kind: str, query: str) -> None:
    of = watched(checklist={"backup": {"maximum_age_hours": 2, kind: BACKUPS[kind]}})
    exprs = {each.about: each.expr for each in alerts(of)}
    assert exprs["backup too old"] == f"time() - max({query}) > 7200"
    assert exprs["backup unknown"] == f"absent({query})"


def test_a_backup_that_prometheus_is_not_told_of_has_no_alert() -> None:
    for backup in ({"maximum_age_hours": 2, "snapshot": BACKUPS["snapshot"]}, None):
        found = {each.about for each in alerts(watched(checklist={"backup": backup} if backup else {}))}
        assert not found & {"backup too old", "backup unknown"}


def test_the_dead_mans_switch_holds_no_release() -> None:
    """It always fires, and a gate promotes nothing while an alert of its severities does."""
    switch = next(rule for rule in documents() if rule["alert"] == WATCHDOG)
    assert switch["labels"]["severity"] not in SEVERITIES
    assert switch["labels"]["severity"]


def test_what_tells_of_a_release_that_did_not_go_on_does_not_hold_the_next_one() -> None:
    told = {each.about for each in alerts(watched()) if not each.gates}
    assert told == {
        "error budget",
        "no data",
        "release held",
        "migration failed",
        "watch failed",
        "backup too old",
        "backup unknown",
        "dead man's switch",
    }


def test_alerts_of_the_canary_carry_the_labels_by_which_its_gate_finds_them() -> None:
    """What the gate asks for is namespace, severity, and the track or the version."""
    grouped = re.compile(r"release_manager:\w+:\w+{|by \(namespace, track, version")
    gating = [each for each in alerts(watched()) if each.gates and not each.about.startswith("pods")]
    assert [each.name for each in gating if not grouped.search(each.expr)] == []


@pytest.mark.parametrize(
    ("seconds", "written"), [(1, "1s"), (90, "90s"), (120, "2m"), (7200, "2h"), (86400, "1d"), (90000, "25h")]
)
def test_a_time_span_is_written_as_prometheus_reads_it(seconds: int, written: str) -> None:
    assert duration(seconds) == written


def test_no_time_span_is_refused() -> None:
    with pytest.raises(ValueError, match="0 s: allowed is 1"):
        duration(0)
