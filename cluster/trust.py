"""Whose certificates are believed: the system's authorities, and one more beside them."""

from __future__ import annotations

import ssl
from functools import cache

from cluster.errors import ClusterError


@cache
def system_trust() -> ssl.SSLContext:
    """Return the system's trust, read once: all who ask for it share it, and none may change it."""
    return ssl.create_default_context()


def trust(ca_file: str, key: str = "health.ca_file") -> ssl.SSLContext:
    """Return the system's trust, and the authority of `ca_file`, if any, beside it.

    Raises ClusterError, which names the setting `key`, where it cannot be read.
    """
    return _trust(ca_file, "", f"{key} {ca_file}", f"{key} to a PEM file, or leave it out")


def trust_in(authorities: str) -> ssl.SSLContext:
    """Return the system's trust, and the authorities beside it whose text (PEM) is given, which may be empty.

    Raises ClusterError where the text is none.
    """
    mend = "health.ca_file and log_store.ca_file to PEM files, or leave them out"
    return _trust("", authorities, "a certificate authority of the watch", mend)


def _trust(file: str, text: str, what: str, mend: str) -> ssl.SSLContext:
    if not file and not text:
        return system_trust()
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=file or None, cadata=text or None)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ClusterError(
            f"{what} cannot be read as certificates ({type(error).__name__})", mend=f"set {mend}"
        ) from error
    return context
