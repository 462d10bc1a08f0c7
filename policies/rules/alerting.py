"""Alerting rules and routes of alerts, in the forms in which Prometheus, Alertmanager and their operator read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from policies.rules.rule import Properties, at, is_unknown, listed, text_at

RULES_KIND = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
ROUTES_KIND = "kubernetes:monitoring.coreos.com/v1alpha1:AlertmanagerConfig"
# Where no operator runs, the same stands in files that a ConfigMap holds.
FILES_KIND = "kubernetes:core/v1:ConfigMap"
# Whom the guide wants told, by what a role has to say. The on-call engineer is also whom PagerDuty pages.
ROLES = {
    "release manager": re.compile(r"release manager"),
    "DevOps lead": re.compile(r"devops lead"),
    "on-call engineer": re.compile(r"on-call"),
    "engineering manager": re.compile(r"engineering manager"),
}
ON_CALL = "on-call engineer"
_PAGERS = {"pagerdutyConfigs", "pagerduty_configs"}
_CONFIGS = re.compile(r"(C|_c)onfigs$")


@dataclass(frozen=True)
class AlertingRules:
    """The rules of one resource. `broken` is true where some of them cannot be looked at."""

    alerts: tuple[Mapping[str, Any], ...]
    recordings: tuple[Mapping[str, Any], ...]
    broken: bool


@dataclass(frozen=True)
class Routes:
    """`told` are the roles that alerts reach, `nowhere` the receivers that a route names and that reach nobody."""

    told: frozenset[str]
    nowhere: tuple[str, ...]


def alerting_rules(kind: str, properties: Properties) -> AlertingRules | None:
    """Return the alerting rules that a resource holds, or None where it holds none."""
    documents = [at(properties, "spec")] if kind == RULES_KIND else _files(kind, properties, "groups")
    if not documents:
        return None
    groups = [group for document in documents for group in listed(document, "groups")]
    rules = [rule for group in groups for rule in listed(group, "rules")]
    readable = [rule for rule in rules if isinstance(rule, Mapping)]
    return AlertingRules(
        alerts=tuple(rule for rule in readable if "alert" in rule),
        recordings=tuple(rule for rule in readable if "record" in rule),
        broken=len(readable) < len(rules) or not groups or any(not listed(group, "rules") for group in groups),
    )


def routes(kind: str, properties: Properties) -> Routes | None:
    """Return where the routes that a resource holds lead, or None where it holds none."""
    documents = [at(properties, "spec")] if kind == ROUTES_KIND else _files(kind, properties, "receivers")
    if not documents:
        return None
    told: set[str] = set()
    nowhere: list[str] = []
    for document in documents:
        receivers = {text_at(one, "name"): one for one in listed(document, "receivers")}
        for position, name in enumerate(_named_by(at(document, "route"))):
            configs = _configs(receivers.get(name))
            told |= _roles(name, configs)
            # The file of an Alertmanager that others use too sends by default what is not of this release to nobody.
            if not configs and (position > 0 or kind == ROUTES_KIND):
                nowhere.append(name)
    return Routes(frozenset(told), tuple(nowhere))


def _files(kind: str, properties: Properties, marked_by: str) -> list[Any]:
    """Return the documents in the files of a ConfigMap that have the key `marked_by`."""
    data = at(properties, "data")
    if kind != FILES_KIND or not isinstance(data, Mapping):
        return []
    texts = [value for value in data.values() if isinstance(value, str) and f"{marked_by}:" in value]
    documents = (_document(text) for text in texts)
    return [document for document in documents if isinstance(document, Mapping) and marked_by in document]


def _document(text: str) -> Any:  # noqa: ANN401
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _named_by(route: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the receivers that a route and those below it name, the outermost first."""
    yield text_at(route, "receiver")
    for below in listed(route, "routes"):
        yield from _named_by(below)


def _configs(receiver: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what a receiver reaches people by."""
    if not isinstance(receiver, Mapping):
        return {}
    return {key: value for key, value in receiver.items() if _CONFIGS.search(str(key)) and value}


def _roles(name: str, configs: Mapping[str, Any]) -> set[str]:
    if not configs:
        return set()
    called, texts = name.replace("-", " ").lower(), [text.lower() for text in _texts(configs)]
    roles = {
        role
        for role, says in ROLES.items()
        if says.fullmatch(called) or any(re.search(rf"\b{says.pattern}\b[^:\n]*: *\S", text) for text in texts)
    }
    return roles | ({ON_CALL} if _PAGERS & configs.keys() else set())


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)


def has_unknown(value: Any) -> bool:  # noqa: ANN401
    """Whether some part of the value is not known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(below) for below in value.values())
    if isinstance(value, list):
        return any(has_unknown(below) for below in value)
    return is_unknown(value)
