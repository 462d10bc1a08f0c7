"""A release that is watched, with everything that can be configured."""

from __future__ import annotations

import copy
import json
from typing import Any

from concerns.monitoring import MonitoringSettings
from monitoring.subject import Watched
from tests.stack_values import CANARY, settings_of

NAMESPACE, APP, DEPLOYMENT = "staging", "release-manager", "release-manager-staging"
VALUES: dict[str, Any] = {
    "format": "operator",
    "labels": {"release": "prometheus"},
    "owner": "platform",
    "receivers": {
        "slack": {"channel": "#releases"},
        "pagerduty": {},
        "incident": {"url": "https://incidents.internal/hook", "token_key": "incident-token"},
        "heartbeat": {"url": "https://heartbeat.internal/ping"},
    },
}
BACKUP = {"maximum_age_hours": 26, "cron_job": {"name": "database-backup"}}
CONTACTS = [
    {"role": "release manager", "name": "Ada", "phone": "+49 30 1234567", "slack": "@U012AB3CD"},
    {"role": "on-call engineer (PagerDuty)", "name": "Bob", "phone": "+49 30 7654321", "slack": "@bob"},
]


def monitoring_of(**changes: Any) -> MonitoringSettings:
    return MonitoringSettings.model_validate_json(json.dumps({**VALUES, **changes}))


def watched(monitoring: MonitoringSettings | None = None, **changes: Any) -> Watched:
    """Return the release of a stack with a canary; a change is one of its settings."""
    # A change may reach into the values that all stacks with a canary share.
    settings = settings_of(
        **copy.deepcopy({**CANARY, "contacts": CONTACTS, "checklist": {"backup": BACKUP}, **changes})
    )
    return Watched.of(settings, monitoring or monitoring_of())
