"""Signs a job in to its cluster with the identity that the forge vouches for: no long-lived key is kept anywhere."""

from __future__ import annotations

import base64
import binascii
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from commands.delivery.errors import DeliveryError
from commands.delivery.places import Places
from commands.delivery.surroundings import Surroundings
from concerns.cluster import ClusterSettings
from notify.forge.asking import Forge, ForgeSender

WRITTEN_BY_US = "# written by: make sign-in\n"
AUDIENCE = "kubernetes"
STATE_AUDIENCE = "sts.amazonaws.com"
EXEC = "client.authentication.k8s.io/v1"
_PROJECT = Path(__file__).resolve().parents[2]
_MEND = "give the job the permission id-token: write"


def sign_in(wanted: ClusterSettings, surroundings: Surroundings, places: Places) -> list[str]:
    """Write the kubeconfig that the stack's settings name, with CLUSTER_SERVER and CLUSTER_AUTHORITY (PEM).

    It holds no token: whoever uses it asks for a fresh one. Where CLUSTER_SERVER is not set, the kubeconfig stays as
    it is. With AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE the token for the state's backend is written there. Raises
    DeliveryError or NotTold.
    """
    variables = surroundings.variables
    # The token for the state lies there, and must not be taken for a change of the checkout.
    places.make()
    lines = []
    if variables.get("AWS_ROLE_ARN") and variables.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        file = Path(variables["AWS_WEB_IDENTITY_TOKEN_FILE"])
        _write(file, variables.get("STATE_ID_TOKEN") or id_token(surroundings, STATE_AUDIENCE))
        lines.append(f"signed in to the backend of the state: {file}")
    server = variables.get("CLUSTER_SERVER")
    if not server:
        return [*lines, f"CLUSTER_SERVER is not set: {wanted.kubeconfig} stays as it is"]
    file = Path(wanted.kubeconfig).expanduser()
    if file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(WRITTEN_BY_US):
        raise DeliveryError(
            f"{file} is there and was not written by this command, so it is left alone",
            mend="unset CLUSTER_SERVER to use it, or take it away",
        )
    authority = surroundings.need("CLUSTER_AUTHORITY", "the certificate of the cluster's authority, as PEM")
    _write(file, WRITTEN_BY_US + yaml.safe_dump(_kubeconfig(wanted.context, server, authority), sort_keys=False))
    # What is asked for here first fails here, and not in the middle of an update.
    cluster_token(surroundings)
    return [*lines, f"context '{wanted.context}' of {file} is {server}"]


def cluster_token(surroundings: Surroundings) -> list[str]:
    """Return a token for the cluster in the form that a kubeconfig asks for. Raises DeliveryError or NotTold."""
    audience = surroundings.variables.get("CLUSTER_AUDIENCE") or AUDIENCE
    token = surroundings.variables.get("CLUSTER_ID_TOKEN") or id_token(surroundings, audience)
    status: dict[str, str] = {"token": token}
    ends = _ends(token)
    if ends is not None:
        status["expirationTimestamp"] = f"{ends:%Y-%m-%dT%H:%M:%SZ}"
    return [json.dumps({"apiVersion": EXEC, "kind": "ExecCredential", "status": status})]


def id_token(surroundings: Surroundings, audience: str) -> str:
    """Return a token in which GitHub vouches for this job towards `audience`. Raises DeliveryError or NotTold."""
    url = surroundings.need("ACTIONS_ID_TOKEN_REQUEST_URL", "where a job asks for its identity; it has none without")
    bearer = surroundings.need("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "with what a job asks for its identity")
    sender = ForgeSender("GitHub's identity service", surroundings.connect(url), surroundings.clock, _MEND)
    sign = "&" if "?" in url else "?"
    found = Forge(sender, url, {"Authorization": f"Bearer {bearer}"}).ask("GET", f"{sign}audience={audience}")
    value = found.get("value")
    if not isinstance(value, str) or not value:
        raise DeliveryError("GitHub's identity service answers without a token", mend=_MEND)
    return value


def _kubeconfig(context: str, server: str, authority: str) -> dict[str, Any]:
    data = base64.b64encode(authority.encode()).decode()
    asks = {
        "apiVersion": EXEC,
        "command": sys.executable,
        "args": ["-m", "commands.delivery", "cluster-token"],
        "env": [{"name": "PYTHONPATH", "value": str(_PROJECT)}],
        "interactiveMode": "Never",
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": data}}],
        "users": [{"name": "this job", "user": {"exec": asks}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": "this job"}}],
    }


def _ends(token: str) -> datetime | None:
    """Return when the token ends, as it says itself; None where it says nothing."""
    try:
        _, payload, _ = token.split(".")
        seconds = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
        return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, TypeError, KeyError, OverflowError, OSError, binascii.Error):
        return None


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DeliveryError(
            f"{file} cannot be written ({error.strerror})", mend="make its directory writable"
        ) from error
