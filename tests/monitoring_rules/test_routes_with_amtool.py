"""Alertmanager itself takes the routes, and sends alerts where they belong."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitoring.alertmanager_file import alertmanager_file
from monitoring.prometheus_rule import alerts, common_labels
from monitoring.rule import Alert
from monitoring.state_alerts import WATCHDOG
from tests.monitoring.watched import monitoring_of, watched
from tests.monitoring_rules.promtool import run

pytestmark = pytest.mark.e2e
RECEIVERS = {"critical": "slack,incident,page", "warning": "slack,page"}


@pytest.fixture
def file(tmp_path: Path) -> str:
    monitoring = monitoring_of()
    assert monitoring.receivers is not None
    (tmp_path / "alertmanager.yml").write_text(alertmanager_file(watched(monitoring), monitoring.receivers), "utf-8")
    return "alertmanager.yml"


def test_alertmanager_takes_the_file(tmp_path: Path, file: str) -> None:
    found = run("amtool", "check-config", file, directory=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("alert", alerts(watched()), ids=lambda alert: f"{alert.name} {alert.severity} {alert.labels}")
def test_every_alert_reaches_its_receivers(tmp_path: Path, file: str, alert: Alert) -> None:
    expected = "heartbeat" if alert.name == WATCHDOG else RECEIVERS[alert.severity]
    labels = {**common_labels(watched()), "alertname": alert.name, "severity": alert.severity}
    assert receivers(tmp_path, file, labels) == expected


def test_alerts_of_others_in_the_namespace_are_told_and_those_of_other_namespaces_are_not(
    tmp_path: Path, file: str
) -> None:
    assert receivers(tmp_path, file, {"namespace": "staging", "alertname": "Theirs"}) == "slack"
    assert receivers(tmp_path, file, {"namespace": "other", "severity": "critical"}) == "nobody"


def receivers(directory: Path, file: str, labels: dict[str, str]) -> str:
    given = [f"{name}={value}" for name, value in labels.items()]
    found = run("amtool", "config", "routes", "test", f"--config.file={file}", *given, directory=directory)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()
