"""Plain data that every rule lets pass, and how a test changes it."""

from __future__ import annotations

import copy
from typing import Any

from evidence.checklist.item import ITEMS

Json = dict[str, Any]
DIGEST = "registry.internal/app@sha256:" + "0a" * 32
REMOVED = object()

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "release-manager-prod", "namespace": "production"},
    "spec": {
        "replicas": 9,
        "selector": {"matchLabels": {"app": "release-manager", "track": "stable"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {
                "labels": {
                    "app": "release-manager",
                    "track": "stable",
                    "serving": "yes",
                    "app.kubernetes.io/version": "v2031.05.14",
                },
                "annotations": {"release-manager/configuration": "c0ffee"},
            },
            "spec": {
                "automountServiceAccountToken": False,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "api",
                        "image": DIGEST,
                        "env": [{"name": "PORT", "value": "8080"}],
                        "envFrom": [{"secretRef": {"name": "credentials"}}],
                        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}},
                        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}},
                        "ports": [{"containerPort": 8080}],
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        },
    },
}

GATES = ("migration", "step-10", "step-50", "step-100", "verified")
STABLE, CANARY = "deployment release-manager-prod", "deployment release-manager-prod-canary"


def _gate(name: str, *after: str) -> Json:
    return {"part": "gate", "name": f"release-manager-prod-{name}", "after": list(after)}


def _after(number: int) -> list[str]:
    return ["job migration", *(f"gate release-manager-prod-{name}" for name in GATES[:number])]


OUTLINE: Json = {
    "environment": "prod",
    "parts": [
        {"part": "job", "name": "migration", "after": []},
        _gate("migration", "job migration"),
        {
            "part": "deployment",
            "name": "release-manager-prod-canary",
            "selector": {"app": "release-manager", "track": "canary"},
            "rests": True,
            "after": _after(1),
        },
        _gate("step-10", *_after(1), CANARY),
        _gate("step-50", *_after(2), CANARY),
        {
            "part": "deployment",
            "name": "release-manager-prod",
            "selector": {"app": "release-manager", "track": "stable"},
            "rests": False,
            "after": [*_after(3), CANARY],
        },
        _gate("step-100", *_after(3), CANARY, STABLE),
        _gate("verified", *_after(4), CANARY, STABLE),
        {
            "part": "budget",
            "name": "release-manager-prod",
            "selector": {"app": "release-manager", "track": "stable"},
            "after": [],
        },
        {
            "part": "alerts",
            "name": "release-manager-prod",
            "alerts": [
                'error_ratio{namespace="production"} > 0.001 and errors * 300 >= 5',
                "histogram_quantile(0.99, sum by (le) (rate(request_duration_seconds_bucket[5m]))) > 0.5",
                "cache_hit_ratio < 0.85 and lookups * 300 >= 100",
                "query_seconds:p99 > 0.1",
                "pool_share >= 0.8",
                "memory_share >= 0.7",
            ],
            "recorded": [{"record": "pool_share", "expr": "db_connections_active / db_pool_size"}],
            "after": [],
        },
        {
            "part": "routes",
            "name": "release-manager-prod",
            "told": ["DevOps lead", "engineering manager", "on-call engineer", "release manager"],
            "after": [],
        },
    ],
}

CHECKLIST: Json = {
    "environment": "prod",
    "version": "v2031.05.14",
    "items": {
        f"{item.number:02}-{item.name}": {
            "number": item.number,
            "title": item.title,
            "required": True,
            "state": "proven",
            "source": "git",
            "value": "as it should be",
            "link": "",
            "closes": "",
            "until": "",
        }
        for item in ITEMS
    },
}


def with_at(right: Json, path: str, value: Any) -> Json:
    """Return a copy of `right` with `value` at `path`, dots between its keys; a number is the place in a list."""
    properties = copy.deepcopy(right)
    below: Any = properties
    *parents, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
    for key in parents:
        below = below.setdefault(key, {}) if isinstance(below, dict) else below[key]
    if value is REMOVED:
        del below[last]
    else:
        below[last] = value
    return properties


def changed(path: str, value: Any) -> Json:
    """Return DEPLOYMENT with `value` at `path` below the pod's spec; a path with a dot first lies in its container."""
    inside = f"containers.0{path}" if path.startswith(".") else path
    return with_at(DEPLOYMENT, f"spec.template.spec.{inside}", value)


def item(name: str, **facts: Any) -> Json:
    """Return CHECKLIST with other facts of one item."""
    [key] = [key for key in CHECKLIST["items"] if key.partition("-")[2] == name]
    return with_at(CHECKLIST, f"items.{key}", {**CHECKLIST["items"][key], **facts})


def part(sort: str, name: str, /, **facts: Any) -> Json:
    """Return OUTLINE with other facts of one part; without any, without the part."""
    named = name if sort in {"job"} else f"release-manager-prod{name}"
    parts = [
        {**each, **facts} if (each["part"], each["name"]) == (sort, named) else each
        for each in OUTLINE["parts"]
        if facts or (each["part"], each["name"]) != (sort, named)
    ]
    assert parts != OUTLINE["parts"], f"there is no {sort} {named}"
    return {**OUTLINE, "parts": parts}
