"""Kubeconfigs with everything in them, so that they can be copied and never name another file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from sandbox.cluster.authority import Authority, Credentials, write_private
from sandbox.cluster.layout import API_URL, CONTEXT


def kubeconfig(authority: bytes, certificate: bytes, key: bytes) -> dict[str, Any]:
    """Return a kubeconfig whose only context is the sandbox's."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": CONTEXT,
                "cluster": {"server": API_URL, "certificate-authority-data": _text(authority)},
            }
        ],
        "users": [
            {
                "name": CONTEXT,
                "user": {"client-certificate-data": _text(certificate), "client-key-data": _text(key)},
            }
        ],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }


def write_kubeconfig(file: Path, authority: Authority, credentials: Credentials) -> Path:
    """Write a kubeconfig that speaks with `credentials`, readable by its owner alone; return `file`."""
    document = kubeconfig(
        authority.certificate.read_bytes(),
        credentials.certificate.read_bytes(),
        credentials.key.read_bytes(),
    )
    content = yaml.safe_dump(document, sort_keys=False).encode()
    if not file.exists() or file.read_bytes() != content:
        write_private(file, content)
    return file


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
