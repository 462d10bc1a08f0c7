"""The same routes as the configuration file of an Alertmanager that no operator looks after."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

import yaml

from concerns.monitoring import ReceiverSettings
from monitoring.alertmanager_config import alertmanager_config
from monitoring.prometheus_rule import MADE_BY
from monitoring.routes import SLACK
from monitoring.rule import Document
from monitoring.subject import Watched

# Alerts of other namespaces come here too: that they go elsewhere is for whoever owns this Alertmanager.
NOBODY = "nobody"
_MATCHERS = {"matchers": "matchers", "sourceMatch": "source_matchers", "targetMatch": "target_matchers"}
_SECRET = {"name", "key"}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def alertmanager_file(watched: Watched, receivers: ReceiverSettings) -> str:
    """Return the file. Secrets are read from the directory that the settings name, where they lie by their keys."""
    spec = _snake(alertmanager_config(watched, receivers), PurePosixPath(receivers.directory))
    # What the operator does by itself: only the alerts of this namespace come here.
    ours = {**spec["route"], "receiver": SLACK, "matchers": [f'namespace="{watched.namespace}"']}
    document = {
        "route": {"receiver": NOBODY, "routes": [ours]},
        "inhibit_rules": spec["inhibit_rules"],
        "receivers": [{"name": NOBODY}, *spec["receivers"]],
    }
    return MADE_BY + yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)


def _snake(part: Document, directory: PurePosixPath) -> Document:
    """Return the operator's form of a configuration in Alertmanager's own words."""
    found: Document = {}
    for key, value in part.items():
        name = "_".join(_WORD.split(key)).lower()
        if key in _MATCHERS:
            found[_MATCHERS[key]] = [f'{each["name"]}{each["matchType"]}"{each["value"]}"' for each in value]
        elif isinstance(value, dict) and set(value) == _SECRET:
            found[f"{name}_file"] = str(directory / value["key"])
        elif key == "details":
            found[name] = {each["key"]: each["value"] for each in value}
        else:
            found[name] = _value(value, directory)
    return found


def _value(value: Any, directory: PurePosixPath) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return _snake(value, directory)
    if isinstance(value, list):
        return [_value(each, directory) for each in value]
    return value
