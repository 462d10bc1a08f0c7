"""What a service of the cluster may ask the API server."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.services.model import Document
from sandbox.services.pods import labels, metadata

GROUP = "rbac.authorization.k8s.io"


def cluster_account(name: str, namespace: str, rules: Sequence[Document]) -> list[Document]:
    """Return the account `name`, and what it may do, by `rules`, in every namespace."""
    named = {"name": f"release-manager-{name}", "labels": labels(name)}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name, namespace)},
        {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": named, "rules": list(rules)},
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": named,
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": named["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    ]
