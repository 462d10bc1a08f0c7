"""What a release is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Release(BaseModel):
    """One version of the application in one environment: version, image by digest, and hash of its configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    image: str
    configuration: str
    revision: str

    @property
    def identity(self) -> str:
        """Return ten hexadecimal digits that name exactly this release."""
        text = f"{self.version}\n{self.image}\n{self.configuration}"
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def told_apart_from(self, other: Release) -> str:
        """Return the version, and where that is the other's too, what differs: the configuration or the image."""
        if self.version != other.version:
            return self.version
        if self.configuration != other.configuration:
            return f"{self.version} with configuration {self.configuration}"
        return f"{self.version} with image {self.image.rpartition('@')[2]}"


def release_in(record: Mapping[str, str]) -> Release:
    """Return the release that a record names, whatever else the record says."""
    return Release.model_validate({name: record[name] for name in Release.model_fields})
