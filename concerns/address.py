"""Addresses in the settings: none holds a login, and a token goes nowhere where somebody could read along."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def alone(value: AnyHttpUrl) -> AnyHttpUrl:
    """Return the address. Raises ValueError where it holds more than a place: a login, a query, a fragment."""
    if value.username or value.password or value.query or value.fragment:
        message = "must be an address alone; a login goes into the secret beside it"
        raise ValueError(message)
    return value


def _nobody_reads_along(value: AnyHttpUrl) -> AnyHttpUrl:
    if value.scheme != "https" and value.host not in LOOPBACK:
        message = "must begin with https://, as a token is sent there; http:// only to this machine"
        raise ValueError(message)
    return alone(value)


def _private(value: AnyHttpUrl) -> AnyHttpUrl:
    inside = (value.host or "").endswith((".svc", ".svc.cluster.local"))
    if value.scheme != "https" and not inside:
        message = "must begin with https://; http:// only to a Service of the cluster (<name>.<namespace>.svc)"
        raise ValueError(message)
    return alone(value)


# Of the three the last two are for addresses that a secret is sent to: from here, and from within the cluster.
PlainAddress = Annotated[AnyHttpUrl, AfterValidator(alone)]
Address = Annotated[AnyHttpUrl, AfterValidator(_nobody_reads_along)]
PrivateAddress = Annotated[AnyHttpUrl, AfterValidator(_private)]
