"""The namespace of an environment."""

from __future__ import annotations

from sandbox.services.model import Document
from sandbox.services.pods import ACCOUNT, MANAGED_BY, metadata

STANDARD = "restricted"


def namespace(name: str) -> Document:
    """Return a namespace in which every pod must pass the restricted Pod Security standard."""
    levels = {f"pod-security.kubernetes.io/{mode}": STANDARD for mode in ("enforce", "audit", "warn")}
    labels = {"app.kubernetes.io/managed-by": MANAGED_BY, **levels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def account(name: str) -> Document:
    """Return the account of the backing services' pods, which may do nothing.

    A new namespace's own default account comes a moment later; pods that need it are refused until then.
    """
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(ACCOUNT, name),
        "automountServiceAccountToken": False,
    }
