"""What `promtool test rules` is asked: series in its notation, and the alerts that have to fire by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitoring.prometheus_rule import alerts, common_labels
from monitoring.subject import Watched
from tests.monitoring.watched import APP, NAMESPACE

Labels = Mapping[str, str]
Series = tuple[str, str]
VERSION = "staging-abc1234"
RELEASE = {"track": "stable", "version": VERSION}


@dataclass(frozen=True)
class Fires:
    """One alert that fires: its own labels, and its summary as a person reads it."""

    labels: Labels
    summary: str


@dataclass(frozen=True)
class Case:
    """At `at` exactly the alerts `fires` of the name `alert` do; none of them means that it is quiet."""

    name: str
    alert: str
    series: Sequence[Series]
    at: str
    fires: Sequence[Fires] = field(default=())
    interval: str = "1m"

    def document(self, watched: Watched) -> dict[str, Any]:
        """Return the case as promtool reads it: labels, summary and runbook have to be right as well."""
        # Several rules of a name differ in their labels, which the case gives; what they are about is the same.
        rule = next(each for each in alerts(watched) if each.name == self.alert)
        common = {**common_labels(watched), "about": rule.about, "gate": "yes" if rule.gates else "no"}
        runbook = f"{watched.settings.runbooks}/{self.alert}.md"
        expected = [
            {
                "exp_labels": {**common, "severity": rule.severity, **each.labels},
                "exp_annotations": {"summary": each.summary, "runbook_url": runbook},
            }
            for each in self.fires
        ]
        test = {"eval_time": self.at, "alertname": self.alert, "exp_alerts": expected}
        return {**self._head, "alert_rule_test": [test]}

    def firing_only(self) -> dict[str, Any]:
        """Return the case as a question for how many alerts fire, whatever their texts say."""
        expr = f'count(ALERTS{{alertname="{self.alert}", alertstate="firing"}})'
        expected = [{"value": len(self.fires)}] if self.fires else []
        test = {"expr": expr, "eval_time": self.at, "exp_samples": expected}
        return {**self._head, "promql_expr_test": [test]}

    @property
    def _head(self) -> dict[str, Any]:
        found = [{"series": series, "values": values} for series, values in self.series]
        return {"name": self.name, "interval": self.interval, "input_series": found}


def series(metric: str, values: str, **labels: str) -> Series:
    """Return a series of one pod of stable; a label is changed or added by its name."""
    every = {"namespace": NAMESPACE, "app": APP, **RELEASE, "pod": "a", **labels}
    shown = ", ".join(f'{name}="{value}"' for name, value in every.items())
    return f"{metric}{{{shown}}}", values


def histogram(metric: str, minutes: int, **per_minute: float) -> list[Series]:
    """Return the buckets of a histogram: by their bounds (`le_0_5`, `inf`) how many a minute end there or before."""
    bounds = {name: name.removeprefix("le_").replace("_", ".").replace("inf", "+Inf") for name in per_minute}
    return [series(metric, f"0+{per_minute[name]:g}x{minutes}", le=bound) for name, bound in bounds.items()]


def kube(metric: str, values: str, **labels: str) -> Series:
    """Return a series of kube-state-metrics."""
    shown = ", ".join(f'{name}="{value}"' for name, value in {"namespace": NAMESPACE, **labels}.items())
    return f"{metric}{{{shown}}}", values
