"""The image of a release."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from concerns.image import ImageSettings
from evidence.git import Revision


@dataclass(frozen=True)
class ImageArgs:
    """`tag` names the image in the registry; `version` and `revision` become its OCI labels."""

    settings: ImageSettings
    tag: str
    version: str
    revision: Revision


class ReleaseImage(pulumi.ComponentResource):
    """Builds the image of a release and pushes it. `reference` is repository and digest, never a tag.

    Deliberately does not delete anything from the registry: older releases must be there to go back to. The label
    `created` is the time of the commit, so that the same commit gives the same image.
    """

    reference: pulumi.Output[str]

    def __init__(self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Image", name, {}, opts)
        settings, revision = args.settings, args.revision
        sign_in = settings.registry
        image = docker.Image(
            f"{name}-image",
            image_name=f"{settings.repository}:{args.tag}",
            build=docker.DockerBuildArgs(
                context=settings.context,
                dockerfile=f"{settings.context}/Dockerfile",
                platform="linux/amd64",
                args={
                    **settings.build_args,
                    "VERSION": args.version,
                    "REVISION": revision.sha,
                    "SOURCE": revision.source,
                    "CREATED": revision.committed_at,
                },
            ),
            registry=docker.RegistryArgs(
                server=sign_in.server,
                username=sign_in.username,
                password=pulumi.Output.secret(sign_in.password.get_secret_value()),
            )
            if sign_in is not None
            else None,
            build_on_preview=False,
            skip_push=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.reference = image.repo_digest
        self.register_outputs({"reference": self.reference})
