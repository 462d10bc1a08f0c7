"""The values of a stack that is right in every setting."""

from __future__ import annotations

import copy
from typing import Any

from settings import Settings, validate

_VALUES: dict[str, Any] = {
    "environment": "staging",
    "cluster": {"kubeconfig": "~/.kube/config", "context": "staging", "namespace": "staging"},
    "image": {
        "repository": "registry.internal/release-manager",
        "context": "sandbox/app",
        "build_args": {"BASE": "python:3.11"},
        "registry": {"server": "registry.internal", "username": "release", "password": "hunter2-the-secret"},
    },
    "application": {
        "app": "release-manager",
        "deployment": "release-manager-staging",
        "port": 8080,
        "credentials": "release-manager-credentials",
        "environment": {"LOG_LEVEL": "INFO"},
        "resources": {"cpu_request": "50m", "memory_request": "128Mi", "memory_limit": "256Mi"},
    },
    "migration": {"command": ["alembic", "upgrade", "head"], "timeout_seconds": 120},
    "rollout": {
        "strategy": "rolling",
        "replicas": 3,
        "max_surge": 1,
        "max_unavailable": 0,
        "timeout_seconds": 300,
        "when_unknown": "hold",
    },
    "ingress": {"class_name": "traefik", "tls_secret": "staging-tls"},
    "health": {
        "url": "https://staging-api.internal/health",
        "attempts": 10,
        "interval_seconds": 2,
        "timeout_seconds": 2.5,
    },
    "verification": {"log_lines": 100},
}


CANARY: dict[str, Any] = {
    "rollout__strategy": "canary",
    "rollout__steps": [10, 50, 100],
    "rollout__replicas": 9,
    "analysis": {
        "error_percent": 0.1,
        "slow_seconds": 0.5,
        "slow_percent": 1,
        "rule_out_error_percent": [1, 0.3, 0.1],
        "rule_out_slow_percent": [5, 2, 1],
        "minimum_seconds": 15,
        "maximum_seconds": 60,
        "database_connections_percent": 80,
        "memory_percent": 70,
    },
    "prometheus": {"url": "https://prometheus.internal"},
}


def stack_values(**changes: Any) -> dict[str, Any]:
    """Return the values; a change is named by its path with `__` between the keys, and ... takes a key away."""
    values = copy.deepcopy(_VALUES)
    for path, value in changes.items():
        *parents, last = path.split("__")
        below = values
        for key in parents:
            below = below[key]
        if value is ...:
            del below[last]
        else:
            below[last] = value
    return values


def settings_of(**changes: Any) -> Settings:
    return validate(stack_values(**changes), source="Pulumi.staging.yaml")
