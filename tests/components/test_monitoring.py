"""What the cluster is asked for so that the release is watched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from checks.waiting import Reporter
from components.monitoring import ALERTMANAGER_FILE, RULES_FILE, SCRAPE_FILE, Monitoring, MonitoringArgs
from tests.components.recorder import Declared, Recorder, declare
from tests.monitoring.watched import CONTACTS, DEPLOYMENT, NAMESPACE, monitoring_of
from tests.stack_values import CANARY, settings_of

CUSTOM = {
    "monitoring.coreos.com/v1:PrometheusRule",
    "monitoring.coreos.com/v1:PodMonitor",
    "monitoring.coreos.com/v1alpha1:AlertmanagerConfig",
}
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def loads(_record: Mapping[str, str], _reporter: Reporter) -> None:
    """Everything is loaded at once."""


def declared(*, required: Sequence[str] = (), **changes: Any) -> Recorder:
    settings = settings_of(**CANARY, contacts=CONTACTS, checklist={"required": list(required)})
    return declare(lambda: Monitoring("monitoring", MonitoringArgs(settings, monitoring_of(**changes), loads)))


def objects(recorder: Recorder) -> list[Declared]:
    return [each for each in recorder.declared if each.kind.startswith("kubernetes")]


def config_map(recorder: Recorder, name: str) -> Declared:
    [only] = [each for each in recorder.all(CONFIG_MAP) if each.object_name == name]
    return only


def custom(recorder: Recorder, kind: str) -> Declared:
    [only] = [each for each in objects(recorder) if each.inputs.get("kind") == kind]
    return only


def test_the_operator_gets_rules_scraping_and_routes() -> None:
    found = declared()
    assert {f"{each.inputs['apiVersion']}:{each.inputs['kind']}" for each in objects(found)} >= CUSTOM
    assert [each.object_name for each in found.all(CONFIG_MAP)] == [f"{DEPLOYMENT}-dashboard"]


def test_all_of_it_carries_what_the_operators_selectors_want() -> None:
    for each in objects(declared()):
        metadata = each.inputs["metadata"]
        assert metadata["namespace"] == NAMESPACE
        assert metadata["labels"].items() >= {"app": "release-manager", "release": "prometheus"}.items()


def test_no_two_objects_are_called_the_same() -> None:
    found = [
        (each.kind, each.object_name) for form in ("operator", "config_map") for each in objects(declared(format=form))
    ]
    dashboard = (CONFIG_MAP, f"{DEPLOYMENT}-dashboard")
    assert len(set(found)) == len(found) - found.count(dashboard) + 1


def test_without_receivers_there_are_no_routes() -> None:
    kinds = [each.inputs.get("kind") for each in objects(declared(receivers=None))]
    assert "AlertmanagerConfig" not in kinds


def test_without_the_operator_the_same_is_files() -> None:
    data = config_map(declared(format="config_map"), f"{DEPLOYMENT}-monitoring").inputs["data"]
    assert set(data) == {RULES_FILE, SCRAPE_FILE, ALERTMANAGER_FILE}
    rules = custom(declared(), "PrometheusRule").inputs["spec"]
    assert yaml.safe_load(data[RULES_FILE]) == json.loads(json.dumps(rules))
    assert not [each for each in objects(declared(format="config_map")) if each.kind != CONFIG_MAP]


def test_grafanas_sidecar_finds_the_dashboard_by_its_label() -> None:
    found = config_map(declared(), f"{DEPLOYMENT}-dashboard").inputs
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"]["grafana_folder"] == "staging"
    [text] = found["data"].values()
    assert json.loads(text)["title"] == "Release Manager"


def test_label_and_folder_are_the_users_choice() -> None:
    wanted = {"label": "dashboards", "folder": "Releases"}
    metadata = config_map(declared(dashboard=wanted), f"{DEPLOYMENT}-dashboard").inputs["metadata"]
    assert metadata["labels"]["dashboards"] == "1"
    assert metadata["annotations"]["grafana_folder"] == "Releases"


def test_switched_off_nothing_is_asked_for() -> None:
    assert objects(declared(format="off")) == []


@pytest.mark.parametrize("form", ["operator", "config_map"])
def test_nothing_is_secret_and_nothing_waits(form: str) -> None:
    for each in objects(declared(format=form)):
        assert each.secrets == frozenset()
        assert each.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"


def test_each_is_a_child_of_the_component_so_that_whatever_waits_for_it_waits_for_all() -> None:
    found = declared()
    for each in objects(found):
        assert found.named(each.parent).kind == "release-manager:release:Monitoring"


def test_where_the_checklist_wants_a_release_watched_a_gate_waits_for_all_of_it() -> None:
    found = declared(required=["monitoring"])
    [gate] = [each for each in found.declared if each.kind == "release-manager:release:Gate"]
    assert found.named(gate.parent).kind == "release-manager:release:Monitoring"
    record = config_map(found, f"{DEPLOYMENT}-monitored")
    assert record.inputs["data"].keys() == {"declared"}
    applied = {each.urn for each in objects(found) if each is not record}
    assert applied <= gate.dependencies, "it is looked for only once it is applied"
    assert config_map(declared(required=["monitoring"], scrape_seconds=3), record.object_name).inputs == record.inputs
    stricter = config_map(declared(required=["monitoring"], cache_hit_percent=90), record.object_name)
    assert stricter.inputs["data"] != record.inputs["data"], "changed rules have to be loaded anew"


def test_without_that_and_without_monitoring_there_is_nothing_to_wait_for() -> None:
    for found in (declared(), declared(required=["monitoring"], format="off")):
        assert not [each for each in found.declared if each.kind == "release-manager:release:Gate"]
