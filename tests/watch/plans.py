"""The plan of a watch."""

from __future__ import annotations

import json
from typing import Any

from concerns.application import ApplicationSettings
from concerns.contacts import ContactSettings
from concerns.health import HealthSettings
from concerns.limits import limits_of
from concerns.log_store import LogStoreSettings
from concerns.monitoring import MonitoringSettings
from concerns.notify import NotifySettings
from concerns.rollout import RolloutSettings
from concerns.watch import WatchSettings
from tests.cluster.rollback_world import RECORDS, release
from tests.recorded import NAME, NAMESPACE
from tests.stack_values import stack_values
from watch.plan import WatchPlan

SECRETS = ("xoxb-slack-token", "hunter2-of-the-store")
SLACK = {"slack": {"channel": "C0123456", "token": SECRETS[0], "api": "http://127.0.0.1:9"}}
LOG_STORE = {"url": "http://127.0.0.1:9", "username": "watch", "password": SECRETS[1]}


def plan_of(
    notify: dict[str, Any] = SLACK, log_store: dict[str, Any] | None = LOG_STORE, key: str = "0123456789", **watch: Any
) -> WatchPlan:
    values = stack_values()
    application = {**values["application"], "deployment": NAME}
    rollout = {**values["rollout"], "strategy": "canary", "steps": [10, 50, 100]}
    health = {**values["health"], "url": "http://dev-api.internal/health", "attempts": 1}
    return WatchPlan(
        key=key,
        stack="prod",
        namespace=NAMESPACE,
        weighted=False,
        release=release("v2"),
        records=RECORDS,
        application=ApplicationSettings.model_validate_json(json.dumps(application)),
        rollout=RolloutSettings.model_validate_json(json.dumps(rollout)),
        health=HealthSettings.model_validate_json(json.dumps(health)),
        health_timeout_seconds=None,
        health_trust="",
        prometheus_url="http://prometheus.internal:9090",
        prometheus_timeout_seconds=1.0,
        limits=limits_of(None, MonitoringSettings()),
        log_store=None if log_store is None else LogStoreSettings.model_validate_json(json.dumps(log_store)),
        log_store_url="" if log_store is None else log_store["url"],
        log_store_trust="",
        watch=WatchSettings.model_validate_json(json.dumps({"mode": "inline", **watch})),
        notify=NotifySettings.model_validate_json(json.dumps(notify)),
        contacts=(
            ContactSettings(role="release manager", name="Ann", phone="+49 30 123456", slack="@ann"),
            ContactSettings(role="on-call engineer (PagerDuty)", name="Cleo", phone="+49 30 123456", slack="@cleo"),
        ),
    )
