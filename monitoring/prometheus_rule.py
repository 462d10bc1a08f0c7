"""All rules of a release, as a PrometheusRule of the operator and as a plain rule file of Prometheus."""

from __future__ import annotations

import yaml

from monitoring.burn_rate import budget_alerts, budget_recordings
from monitoring.metric_alerts import metric_alerts
from monitoring.recording_rules import recordings
from monitoring.rule import Alert, Document, Group
from monitoring.state_alerts import state_alerts
from monitoring.subject import Watched

API_VERSION, KIND = "monitoring.coreos.com/v1", "PrometheusRule"
MADE_BY = "# Made from monitoring/ by `pulumi up`: what is changed here is changed back.\n"


def groups(watched: Watched) -> tuple[Group, ...]:
    """Return all rules. What is recorded stands before the alerts that read it."""
    return (
        recordings(watched),
        budget_recordings(watched),
        metric_alerts(watched),
        budget_alerts(watched),
        state_alerts(watched),
    )


def alerts(watched: Watched) -> tuple[Alert, ...]:
    """Return the alerts alone."""
    return tuple(rule for group in groups(watched) for rule in group.rules if isinstance(rule, Alert))


def common_labels(watched: Watched) -> dict[str, str]:
    """Return what every alert of the release is labelled with, so that routes and gates find it."""
    return {
        "namespace": watched.namespace,
        "service": watched.app,
        "stack": watched.stack,
        "owner": watched.settings.owner,
    }


def spec(watched: Watched) -> Document:
    """Return the `spec` of the PrometheusRule; it is also the content of a rule file."""
    labels, runbooks = common_labels(watched), str(watched.settings.runbooks)
    return {
        "groups": [
            {
                "name": f"{group.name}.{watched.stack}",
                "rules": [
                    rule.document(labels, runbooks) if isinstance(rule, Alert) else rule.document()
                    for rule in group.rules
                ],
            }
            for group in groups(watched)
        ]
    }


def rule_file(watched: Watched) -> str:
    """Return the rules as `rule_files` of Prometheus reads them, and `promtool check rules` checks them."""
    return MADE_BY + yaml.safe_dump(spec(watched), sort_keys=False, width=1000, allow_unicode=True)
