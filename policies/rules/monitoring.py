"""Rules about what watches a release: an alert for each limit of the guide, and somebody whom it reaches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from policies.rules.alerting import FILES_KIND, ROLES, ROUTES_KIND, RULES_KIND, alerting_rules, has_unknown, routes
from policies.rules.outline import ALERTS_PART, OUTLINE, ROUTES_PART, parts
from policies.rules.rule import (
    Found,
    Given,
    Properties,
    Rule,
    Severity,
    Threshold,
    Topic,
    at,
    kind,
    listed,
    regardless,
    text_at,
)

SEVERITIES = ("critical", "warning", "info", "none")
_CLAUSES = re.compile(r"\s(?:and|or|unless)\s", re.IGNORECASE)
_COMPARED = re.compile(
    r"^(?P<left>.*?)\s*(?P<sign>>=|<=|>|<)\s*(?:bool\s+)?(?P<number>[0-9.]+(?:e[+-]?[0-9]+)?)[\s)]*$", re.DOTALL
)


@dataclass(frozen=True)
class Limit:
    """A limit of the guide: above it (or below: `least`) there has to be an alert on a series named by `measures`."""

    name: str
    threshold: Threshold
    measures: re.Pattern[str]
    least: bool = False


def limit_of(name: str, key: str, number: float, measures: str, *, least: bool = False) -> Limit:
    """Return the limit with this number, which a configuration may make stricter under `key`, and never laxer."""

    def allows(value: object) -> bool:
        known = isinstance(value, int | float) and not isinstance(value, bool)
        return known and (number <= value < 1 if least else 0 < value <= number)  # type: ignore[operator]

    bounds = {"minimum": number, "exclusiveMaximum": 1} if least else {"exclusiveMinimum": 0, "maximum": number}
    return Limit(
        name,
        Threshold(
            name=key,
            default=number,
            schema={"type": "number", **bounds},
            allows=allows,
            allowed=f"{number} or {'more' if least else 'less'}, which is the guide's limit or a stricter one",
        ),
        re.compile(measures),
        least,
    )


# Shares are parts of 1 and times are seconds, as Prometheus has them.
LIMITS = (
    limit_of("error rate", "errorShare", 0.001, r"error"),
    limit_of("p99 latency", "p99Seconds", 0.5, r"request_(duration_)?seconds|request_duration"),
    limit_of("cache hit rate", "cacheHitShare", 0.85, r"cache", least=True),
    limit_of("p99 of database queries", "databaseP99Seconds", 0.1, r"query"),
    limit_of("database connections", "databaseConnectionShare", 0.8, r"connections"),
    limit_of("memory", "memoryShare", 0.7, r"memory"),
)


def alert_for_each_limit(outline: Properties, given: Given) -> Found:
    """Refuse a release for which some limit of the guide has no alert, or a laxer one."""
    declared = parts(outline, ALERTS_PART)
    recorded = {text_at(one, "record"): text_at(one, "expr") for each in declared for one in listed(each, "recorded")}
    expressions = [text for each in declared for text in listed(each, "alerts") if isinstance(text, str)]
    return [
        f"no alert is about {limit.name} {'below' if limit.least else 'above'} {given.value(limit.threshold)}"
        for limit in LIMITS
        if not any(_watches(text, limit, given.value(limit.threshold), recorded) for text in expressions)
    ]


def _watches(expression: str, limit: Limit, number: float, recorded: Mapping[str, str]) -> bool:
    return any(_clause_watches(clause, limit, number, recorded) for clause in _CLAUSES.split(expression))


def _clause_watches(clause: str, limit: Limit, number: float, recorded: Mapping[str, str]) -> bool:
    compared = _COMPARED.match(clause)
    if compared is None:
        return False
    left = compared["left"]
    measured = [left, *(text for name, text in recorded.items() if name and name in left)]
    wanted = "<" if limit.least else ">"
    found = float(compared["number"])
    strict = found >= number if limit.least else 0 < found <= number
    of_limit = any(limit.measures.search(text) for text in measured)
    return compared["sign"].startswith(wanted) and strict and of_limit


def alerts_are_complete(properties: Properties) -> Found:
    """Refuse an alert without a severity, an owner, or the address of a runbook."""
    token = RULES_KIND if at(properties, "kind") == "PrometheusRule" else FILES_KIND
    rules = alerting_rules(token, properties)
    if rules is None:
        return []
    found = ["some of its rules are missing or not known"] if rules.broken else []
    for alert in rules.alerts:
        name, severity = at(alert, "alert"), at(alert, "labels", "severity")
        if severity not in SEVERITIES:
            found.append(f"alert {name} has severity {severity!r}; there are: {', '.join(SEVERITIES)}")
        if not any(text_at(alert, section, "owner") for section in ("labels", "annotations")):
            found.append(f"alert {name} has no owner")
        if not _is_address(text_at(alert, "annotations", "runbook_url")):
            found.append(f"alert {name} has no link to a runbook")
        if not text_at(alert, "expr"):
            found.append(f"alert {name} has no expression, or one that is not known yet")
    return found


def _is_address(text: str) -> bool:
    address = urlsplit(text)
    return address.scheme in {"https", "http"} and bool(address.netloc)


def routes_lead_somewhere(properties: Properties) -> Found:
    """Refuse a route to a receiver that does not exist or reaches nobody."""
    token = ROUTES_KIND if at(properties, "kind") == "AlertmanagerConfig" else FILES_KIND
    if token == ROUTES_KIND and has_unknown(at(properties, "spec")):
        return ["its routes are not known yet"]
    routed = routes(token, properties)
    if routed is None:
        return []
    return [f"a route leads to receiver {name!r}, which reaches nobody" for name in routed.nowhere]


def contacts_are_routed(outline: Properties) -> Found:
    """Refuse a release of whose alerts one of the guide's contacts hears nothing."""
    told = {role for each in parts(outline, ROUTES_PART) for role in listed(each, "told")}
    return [f"no route of alerts names the {role}" for role in ROLES if role not in told]


RULES = (
    Rule(
        name="alert-for-each-limit",
        topic=Topic.MONITORING,
        severity=Severity.HIGH,
        description="Each limit of the guide has an alert: errors, p99, cache, queries, connections, memory.",
        remedy="Set monitoring.format in the stack's settings; the alerts are made from the guide's limits.",
        applies=kind(OUTLINE),
        judge=alert_for_each_limit,
        thresholds=tuple(limit.threshold for limit in LIMITS),
    ),
    Rule(
        name="alerts-are-complete",
        topic=Topic.MONITORING,
        severity=Severity.MEDIUM,
        description="Each alert has a severity, an owner and a link to a runbook.",
        remedy="Set monitoring.owner and monitoring.runbooks in the stack's settings.",
        applies=kind(RULES_KIND, FILES_KIND),
        judge=regardless(alerts_are_complete),
    ),
    Rule(
        name="routes-lead-somewhere",
        topic=Topic.MONITORING,
        severity=Severity.HIGH,
        description="Each route of alerts leads to a receiver that reaches somebody.",
        remedy="Set monitoring.receivers in the stack's settings.",
        applies=kind(ROUTES_KIND, FILES_KIND),
        judge=regardless(routes_lead_somewhere),
    ),
    Rule(
        name="contacts-are-routed",
        topic=Topic.MONITORING,
        severity=Severity.HIGH,
        description="Alerts reach release manager, DevOps lead, on-call engineer and engineering manager.",
        remedy="Name all of them under contacts, and set monitoring.receivers, in the stack's settings.",
        applies=kind(OUTLINE),
        judge=regardless(contacts_are_routed),
    ),
)
