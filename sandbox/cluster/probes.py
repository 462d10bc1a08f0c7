"""Whether a part of the cluster answers yet."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from sandbox.cluster.authority import Authority, Credentials

SECONDS = 2.0
Trust = Callable[[], ssl.SSLContext]


def serves(url: str, trust: Trust | None = None, *, seconds: float = SECONDS) -> Callable[[], bool]:
    """Return a question: does `url` answer 200 within `seconds`? `trust` is asked for only once it is needed."""

    def ask() -> bool:
        return _get(url, trust, seconds) is not None

    return ask


def fetch(url: str, trust: Trust) -> dict[str, Any] | None:
    """Return the JSON object at `url`, or None while it does not answer 200."""
    answer = _get(url, trust, SECONDS)
    found: dict[str, Any] | None = None if answer is None else answer.json()
    return found


def accepts(path: Path) -> Callable[[], bool]:
    """Return a question: does something listen on the UNIX socket at `path` now, yes or no."""

    def ask() -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SECONDS)
            try:
                connection.connect(str(path))
            except OSError:
                return False
            return True

    return ask


def trusting(authority: Authority, credentials: Credentials) -> Trust:
    """Return what makes, once, a TLS context that trusts `authority` alone and shows `credentials`."""

    @cache
    def context() -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(authority.certificate))
        made.load_cert_chain(credentials.certificate, credentials.key)
        return made

    return context


def _get(url: str, trust: Trust | None, seconds: float) -> httpx.Response | None:
    try:
        # Proxies of the user's environment have no business between the parts of the cluster.
        with httpx.Client(verify=trust() if trust else False, timeout=seconds, trust_env=False) as client:
            answer = client.get(url)
    except (httpx.HTTPError, OSError):
        return None
    return answer if answer.status_code == httpx.codes.OK else None
