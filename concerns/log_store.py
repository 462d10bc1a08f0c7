"""The log store of the stack: the checklist sees that lines arrive there, and the watch reads them."""

from __future__ import annotations

from base64 import b64encode
from typing import Self

from pydantic import Field, SecretStr, model_validator

from concerns.address import Address
from concerns.concern import Concern
from concerns.notify import OptionalToken


class LogStoreSettings(Concern):
    """A store of logs that is asked as Elasticsearch and OpenSearch are. Nobody has to sign in."""

    url: Address = Field(description="Root of its API.")
    index: str = Field(
        default="logs-*", pattern=r"^[a-z0-9*][a-z0-9*,._-]*$", description="Name or pattern of the indices."
    )
    service: str = Field(default="release-manager", min_length=1, description="Value of the field `service`.")
    where: dict[str, str] = Field(
        default_factory=dict,
        description="Further keyword fields, and the values that tell the lines of this stack from others.",
    )
    time_field: str = Field(default="@timestamp", min_length=1, description="When a line was logged.")
    username: str = Field(default="", description="With `password`.")
    password: SecretStr | None = Field(default=None, description="A Pulumi secret.")
    api_key: OptionalToken = Field(default=None, description="A Pulumi secret, as Elasticsearch encodes it.")
    bearer_token: OptionalToken = Field(default=None, description="A Pulumi secret.")
    ca_file: str = Field(default="", description="Certificate authority to trust beside the system's.")
    timeout_seconds: float = Field(default=10, ge=0.1, le=60, description="For each whole answer.")

    @model_validator(mode="after")
    def _signs_in_once(self) -> Self:
        if (self.password is None) == bool(self.username):
            message = "needs username and password together"
            raise ValueError(message)
        if sum(secret is not None for secret in (self.password, self.api_key, self.bearer_token)) > 1:
            message = "signs in with username and password, with api_key or with bearer_token: leave the others out"
            raise ValueError(message)
        return self

    @property
    def filters(self) -> dict[str, str]:
        """The fields, with their exact values, of the lines of this stack."""
        return {"service": self.service, **self.where}

    @property
    def sign_in(self) -> dict[str, str]:
        """The header that signs in; none where there is nothing to sign in with."""
        if self.password is not None:
            login = f"{self.username}:{self.password.get_secret_value()}".encode()
            return {"Authorization": f"Basic {b64encode(login).decode()}"}
        for scheme, secret in (("ApiKey", self.api_key), ("Bearer", self.bearer_token)):
            if secret is not None:
                return {"Authorization": f"{scheme} {secret.get_secret_value()}"}
        return {}
