"""Whose certificates are believed."""

from __future__ import annotations

import ssl

from cluster.errors import ClusterError


def trust(ca_file: str) -> ssl.SSLContext:
    """Return the system's trust, and the authority of `ca_file` beside it. Raises ClusterError if unreadable."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ClusterError(
                f"health.ca_file {ca_file} cannot be read as certificates ({type(error).__name__})",
                mend="set health.ca_file to a PEM file, or leave it out",
            ) from error
    return context
