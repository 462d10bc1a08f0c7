"""Whether a change of the provider's own configuration means another cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.plugins.kubernetes.kubeconfig import active_cluster
from sandbox.plugins.protocol.properties import Unknown, without_secrets

CLUSTER_KEYS: Final = ("kubeconfig", "context", "cluster")
IDENTIFIER: Final = "clusterIdentifier"


@dataclass(frozen=True)
class ConfigDifference:
    """Which settings changed, and which of those mean that every object must be made anew."""

    changed: tuple[str, ...]
    replaces: tuple[str, ...]


def diff_config(olds: Mapping[str, Any], news: Mapping[str, Any]) -> ConfigDifference:
    """Compare two configurations.

    Objects are replaced when the chosen cluster differs, or when it may (a setting is not known yet); with a
    `clusterIdentifier` on both sides, only when that one differs.
    """
    old, new = without_secrets(olds), without_secrets(news)
    changed = tuple(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))
    if not changed:
        return ConfigDifference((), ())
    if old.get(IDENTIFIER) and new.get(IDENTIFIER):
        return ConfigDifference(changed, (IDENTIFIER,) if IDENTIFIER in changed else ())
    for key in CLUSTER_KEYS:
        if isinstance(new.get(key), Unknown):
            return ConfigDifference((key,), (key,))
    before, after = (_cluster(item) for item in (old, new))
    if before is None or after is None or before == after:
        return ConfigDifference(changed, ())
    return ConfigDifference(changed, tuple(key for key in CLUSTER_KEYS if key in changed))


def _cluster(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    kubeconfig = config.get("kubeconfig") or ""
    source = kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig)
    return active_cluster(source, str(config.get("context") or ""), str(config.get("cluster") or ""))
