"""What is declared passes the policy pack, with the operator and without it; laxer limits do not."""

from __future__ import annotations

from typing import Any

import pytest

from monitoring.alertmanager_config import alertmanager_config
from monitoring.alertmanager_file import alertmanager_file
from monitoring.prometheus_rule import rule_file, spec
from monitoring.subject import Watched
from policies.rules.alerting import FILES_KIND, ROLES, ROUTES_KIND, RULES_KIND
from policies.rules.monitoring import (
    alert_for_each_limit,
    alerts_are_complete,
    contacts_are_routed,
    routes_lead_somewhere,
)
from policies.rules.outline import parts_of
from policies.rules.rule import GUIDE
from tests.monitoring.watched import monitoring_of, watched
from tests.stack_values import CANARY

CONTACTS = [{"role": role, "name": "Ada", "phone": "+49 30 1234567", "slack": "@ada"} for role in ROLES]
Resource = tuple[str, dict[str, Any]]


def resources(form: str, **changes: Any) -> list[Resource]:
    monitoring = monitoring_of()
    assert monitoring.receivers is not None
    of: Watched = watched(monitoring, contacts=CONTACTS, **changes)
    if form == "config_map":
        data = {"rules": rule_file(of), "routes": alertmanager_file(of, monitoring.receivers)}
        return [(FILES_KIND, {"data": data})]
    return [
        (RULES_KIND, {"kind": "PrometheusRule", "spec": spec(of)}),
        (ROUTES_KIND, {"kind": "AlertmanagerConfig", "spec": alertmanager_config(of, monitoring.receivers)}),
    ]


def outline(found: list[Resource]) -> dict[str, Any]:
    return {"parts": [part for kind, properties in found for part in parts_of(kind, properties, gate=False)]}


FORMS = pytest.mark.parametrize("form", ["operator", "config_map"])


@FORMS
def test_every_alert_and_route_is_complete(form: str) -> None:
    for _, properties in resources(form):
        assert alerts_are_complete(properties) == []
        assert routes_lead_somewhere(properties) == []


@FORMS
def test_every_limit_has_its_alert_and_every_contact_is_told(form: str) -> None:
    whole = outline(resources(form))
    assert alert_for_each_limit(whole, GUIDE) == []
    assert contacts_are_routed(whole) == []


def test_limits_that_are_laxer_than_the_guides_are_refused() -> None:
    lax = {**CANARY["analysis"], "error_percent": 0.2, "rule_out_error_percent": [1, 0.3, 0.2], "memory_percent": 90}
    found = alert_for_each_limit(outline(resources("operator", analysis=lax)), GUIDE)
    assert found == ["no alert is about error rate above 0.001", "no alert is about memory above 0.7"]
