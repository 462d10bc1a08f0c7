"""Amounts as Kubernetes writes them."""

from __future__ import annotations

from decimal import Decimal

QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$"
_FACTORS = {
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
}


def amount(quantity: str) -> Decimal:
    """Return the number that `quantity`, of the form QUANTITY, stands for: bytes, or whole CPUs."""
    number = quantity.rstrip("mkKMGi")
    return Decimal(number) * _FACTORS.get(quantity[len(number) :], Decimal(1))
