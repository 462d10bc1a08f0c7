"""What every concern has in common, and the forms that several of them use."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
ADDRESS = r"^([0-9A-Za-z.-]*|[0-9A-Fa-f:]+)$"


class Concern(BaseModel):
    """Frozen, without unknown keys, and with values of exactly the type that is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
