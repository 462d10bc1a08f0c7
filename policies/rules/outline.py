"""The outline of a release: what is declared and in which order, as plain facts that rules can look at.

A rule sees one resource at a time. What concerns several (a gate for each step, an alert for each limit) it finds in
the outline, a resource that is registered before all others and that everything else waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.rules.alerting import AlertingRules, Routes, alerting_rules, routes
from policies.rules.pods import DEPLOYMENT, JOB
from policies.rules.rule import Properties, at, is_unknown, text_at

OUTLINE = "release-manager:release:Outline"
RECORD = "kubernetes:core/v1:ConfigMap"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
GATE_PART, DEPLOYMENT_PART, JOB_PART, BUDGET_PART = "gate", "deployment", "job", "budget"
ALERTS_PART, ROUTES_PART = "alerts", "routes"
# What a Job is called on the cluster changes with each release; the outline says the same as long as the order does.
MIGRATION_JOB = "migration"

Part = dict[str, Any]


def parts_of(kind: str, properties: Properties, *, gate: bool) -> list[Part]:
    """Return what the outline says of one resource: nothing of most. `gate`: a hook decides whether it is written.

    Nothing of it changes from one release to the next.
    """
    named = text_at(properties, "metadata", "name")
    if kind == RECORD and gate:
        return [{"part": GATE_PART, "name": named}]
    if kind == DEPLOYMENT:
        selector = _known(at(properties, "spec", "selector", "matchLabels"))
        return [
            {
                "part": DEPLOYMENT_PART,
                "name": named,
                "selector": selector,
                "rests": at(properties, "spec", "replicas") == 0,
            }
        ]
    if kind == JOB:
        component = text_at(properties, "spec", "template", "metadata", "labels", "component")
        return [{"part": JOB_PART, "name": component}]
    if kind == BUDGET:
        return [
            {"part": BUDGET_PART, "name": named, "selector": _known(at(properties, "spec", "selector", "matchLabels"))}
        ]
    return _monitoring_parts(named, alerting_rules(kind, properties), routes(kind, properties))


def _monitoring_parts(name: str, rules: AlertingRules | None, routed: Routes | None) -> list[Part]:
    found: list[Part] = []
    if rules is not None:
        found.append(
            {
                "part": ALERTS_PART,
                "name": name,
                "alerts": [text_at(alert, "expr") for alert in rules.alerts],
                "recorded": [
                    {"record": text_at(one, "record"), "expr": text_at(one, "expr")} for one in rules.recordings
                ],
            }
        )
    if routed is not None:
        found.append({"part": ROUTES_PART, "name": name, "told": sorted(routed.told)})
    return found


def _known(value: Any) -> Any:  # noqa: ANN401
    """Return the labels that are known: a rule refuses what is missing."""
    return {key: one for key, one in value.items() if not is_unknown(one)} if isinstance(value, Mapping) else {}


def parts(outline: Properties, part: str) -> list[Mapping[str, Any]]:
    """Return the parts of one sort. What is malformed or unknown is none, and a rule refuses what is missing."""
    found = at(outline, "parts")
    if not isinstance(found, list):
        return []
    return [each for each in found if isinstance(each, Mapping) and at(each, "part") == part]


def reference(part: Mapping[str, Any]) -> str:
    """Return how a part is named where another says that it comes after it."""
    return f"{text_at(part, 'part')} {text_at(part, 'name')}"


def comes_after(later: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Whether the one is begun only when the other is done."""
    after = at(later, "after")
    return isinstance(after, list) and reference(earlier) in after
