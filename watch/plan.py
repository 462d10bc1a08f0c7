"""What the watch of one release is to do, as plain data: the Job reads it, and an update that watches itself has it.

Secrets are no part of its text; they lie beside it, in a Secret of the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cluster.errors import ClusterError
from cluster.names import Names
from cluster.release import Release
from concerns.application import ApplicationSettings
from concerns.concern import Concern
from concerns.contacts import ContactSettings
from concerns.health import HealthSettings
from concerns.limits import Limits
from concerns.log_store import LogStoreSettings
from concerns.notify import NotifySettings
from concerns.rollout import RolloutSettings
from concerns.secrets import ENCRYPTED_ELSEWHERE, secret_paths
from concerns.watch import WatchSettings

PLAN_FILE, SECRETS_FILE = "plan.json", "secrets.json"


class WatchPlan(Concern):
    """The settings of the stack that the watch needs, and which attempt of which release it watches.

    `key` names the attempt. `records` are those of the gates, which a rollback puts back. The `trust` of /health and of
    the log store is the text of their certificate authorities, empty for the system's alone. Addresses are those that
    whoever watches can reach.
    """

    key: str
    stack: str
    namespace: str
    weighted: bool
    release: Release
    records: tuple[str, ...]
    application: ApplicationSettings
    rollout: RolloutSettings
    health: HealthSettings
    health_timeout_seconds: int | None
    health_trust: str
    prometheus_url: str
    prometheus_timeout_seconds: float
    limits: Limits
    log_store: LogStoreSettings | None
    log_store_url: str
    log_store_trust: str
    watch: WatchSettings
    notify: NotifySettings
    contacts: tuple[ContactSettings, ...]

    @property
    def names(self) -> Names:
        """The names of the stack's objects."""
        return Names(self.application.deployment, self.application.app, weighted=self.weighted)

    @property
    def purpose(self) -> str:
        """What other runs are told that holds the release while the watch goes back."""
        return f"watch of {self.release.version} in {self.stack}"

    def text(self) -> str:
        """Return the plan as JSON, without its secrets."""
        values = self.model_dump(mode="json")
        for path in secret_paths(WatchPlan):
            _put(values, path, ENCRYPTED_ELSEWHERE)
        return json.dumps(values, indent=2, ensure_ascii=False)

    def secrets(self) -> str:
        """Return the secrets as JSON, each by its path."""
        found: dict[str, str] = {}
        for path in secret_paths(WatchPlan):
            value: Any = self
            for key in path:
                value = getattr(value, key, None)
            if value is not None:
                found[".".join(path)] = value.get_secret_value()
        return json.dumps(found)


def read_plan(text: str, secrets: str) -> WatchPlan:
    """Return the plan that `text` and `secrets` hold. Raises ClusterError; its text shows no value."""
    try:
        values, known = json.loads(text), json.loads(secrets)
        for path in secret_paths(WatchPlan):
            if _at(values, path) is not None:
                _put(values, path, known[".".join(path)])
        return WatchPlan.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        why = type(error).__name__
    raise ClusterError(
        f"the plan of the watch cannot be read ({why})", mend="run the update again, with an image of the same commit"
    )


def _at(values: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _put(values: Mapping[str, Any], path: tuple[str, ...], value: str) -> None:
    """Put `value` in the place of a secret, where the settings have one."""
    if _at(values, path) is not None:
        _at(values, path[:-1])[path[-1]] = value
