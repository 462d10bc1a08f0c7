"""Where the image of a release comes from."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from concerns.concern import DNS_LABEL, Concern


class RegistrySettings(Concern):
    """How to sign in to the image registry. Without it the Docker engine's own sign-in is used."""

    server: str = Field(min_length=1, description="Host of the registry, with its port.")
    username: str = Field(min_length=1, description="Who signs in.")
    password: SecretStr = Field(
        description="A Pulumi secret: pulumi config set --secret --path image.registry.password"
    )


class PromotionSettings(Concern):
    """The environment whose verified release is taken, digest and all, in place of a new build."""

    namespace: str = Field(pattern=DNS_LABEL, description="Of that environment.")
    deployment: str = Field(pattern=DNS_LABEL, max_length=40, description="Stable's, in that environment.")


class ImageSettings(Concern):
    """Where the image is built from and pushed to."""

    repository: str = Field(pattern=r"^[a-z0-9][a-z0-9.:/_-]*[a-z0-9]$", description="Repository without a tag.")
    context: str = Field(description="Directory of the Docker build, relative to the project.")
    build_args: dict[str, str] = Field(default_factory=dict, description="Arguments of the Docker build, no secrets.")
    registry: RegistrySettings | None = None
    reuse: bool = Field(default=False, description="Take the image of a tag that the registry already has.")
    promote_from: PromotionSettings | None = None

    @property
    def found_again(self) -> bool:
        """Whether an image that was built once is taken again, so that its digest is known before an update."""
        return self.reuse or self.promote_from is not None

    @field_validator("context")
    @classmethod
    def _has_dockerfile(cls, value: str) -> str:
        if not (Path(value) / "Dockerfile").is_file():
            message = "must be a directory with a Dockerfile"
            raise ValueError(message)
        return value
