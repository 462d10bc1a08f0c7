"""Whose certificates are believed."""

from __future__ import annotations

import ssl

from cluster.errors import ClusterError


def trust_of(authorities: str) -> ssl.SSLContext:
    """Return the system's trust, and the certificate authorities beside it whose text (PEM) is given.

    Raises ClusterError where the text is none.
    """
    context = ssl.create_default_context()
    if authorities:
        try:
            context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, ValueError) as error:
            raise ClusterError(
                f"a certificate authority of the watch cannot be read ({type(error).__name__})",
                mend="set health.ca_file and watch.log_store.ca_file to PEM files, or leave them out",
            ) from error
    return context
