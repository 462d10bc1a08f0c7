"""The image of a release."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker as docker

from cluster.errors import GateFailed
from components.gate import Check, Gate, GateArgs
from components.recorded import recorded_outputs
from evidence.git import Revision
from evidence.image import FoundImage
from settings import Settings

TYPE = "release-manager:release:Image"
# An output of the component, by which the next update knows what the image on record was built from.
BUILT_FROM = "built_from"


@dataclass(frozen=True)
class ImageArgs:
    """`found` is an image that is not built again; `promote` gives a promoted one the tag that its record names."""

    settings: Settings
    revision: Revision
    found: FoundImage | None
    promote: Check

    @property
    def tag(self) -> str:
        """Tag of the image: environment and short commit."""
        return self.revision.tag(self.settings.environment)


class ReleaseImage(pulumi.ComponentResource):
    """The image of a release, in the registry under `<environment>-<short sha>`. `reference` is repository and digest.

    What a person sees: the first update with a commit builds and pushes. With `image.reuse` the next one takes the
    digest that the registry has under the tag, which a preview knows too, and shows no change. Where the registry has
    an image that the update before did not build (of an earlier commit, or from another checkout) nothing is built,
    and the engine drops its record of the build before: it shows `docker:index:Image delete` once, and no image is
    deleted. A promoted image is never built: a gate sets its tag.

    Deliberately deletes nothing from the registry: older releases must be there to go back to. The label `created` is
    the time of the commit. A promoted image keeps the labels of the environment that built it.
    """

    reference: pulumi.Output[str]

    def __init__(self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(TYPE, name, {}, opts)
        key = _content(args) if args.settings.image.reuse else ""
        built_from = ""
        if args.found is None:
            self.reference = self._built(name, args, again=True).repo_digest
            built_from = key
        elif args.found.promoted:
            self.reference = self._promoted(name, args, args.found)
        else:
            self.reference = pulumi.Output.from_input(args.found.reference)
            # Declared only where the provider finds nothing to build: whatever differs from its record it builds.
            if recorded_outputs(TYPE, name).get(BUILT_FROM) == key:
                self._built(name, args, again=False)
                built_from = key
        self.register_outputs({"reference": self.reference, BUILT_FROM: built_from})

    def _built(self, name: str, args: ImageArgs, *, again: bool) -> docker.Image:
        settings, revision = args.settings.image, args.revision
        sign_in = settings.registry
        image_name = f"{settings.repository}:{args.tag}"

        def refuse(_hook: pulumi.ResourceHookArgs) -> None:
            raise GateFailed(
                f"the registry has {image_name} already, and a tag is never overwritten, but the engine's record asks"
                " for a build (an update was killed?); release a new commit"
            )

        never = pulumi.ResourceHook(f"{name}-once", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
        return docker.Image(
            f"{name}-image",
            image_name=image_name,
            build=docker.DockerBuildArgs(
                context=settings.context,
                dockerfile=f"{settings.context}/Dockerfile",
                platform="linux/amd64",
                args={
                    **settings.build_args,
                    "VERSION": revision.version(args.settings.environment),
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
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=None if again else pulumi.ResourceHookBinding(before_create=[never], before_update=[never]),
            ),
        )

    def _promoted(self, name: str, args: ImageArgs, found: FoundImage) -> pulumi.Output[str]:
        gate = Gate(
            f"{name}-promotion",
            GateArgs(
                record=f"{args.settings.application.deployment}-image",
                namespace=args.settings.cluster.namespace,
                data={"image": found.reference, "tag": args.tag},
                check=args.promote,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        # Through the record, so that nothing runs the image before the gate has let it.
        return gate.record.data.apply(lambda data: data["image"])


def _content(args: ImageArgs) -> str:
    """Return a hash of everything that can make the provider build: what is sent, and what it is told."""
    settings, revision = args.settings.image, args.revision
    told = [args.tag, settings.repository, settings.context, sorted(settings.build_args.items())]
    told += [revision.version(args.settings.environment), revision.source, revision.committed_at]
    server = settings.registry.server if settings.registry else ""
    digest = hashlib.sha256(json.dumps([*told, server]).encode())
    for file in sorted(Path(settings.context).rglob("*")):
        status = file.lstat()
        digest.update(f"{file.relative_to(settings.context)}\0{status.st_mode}\0".encode())
        if file.is_symlink():
            digest.update(str(file.readlink()).encode())
        elif file.is_file():
            try:
                digest.update(hashlib.sha256(file.read_bytes()).digest())
            except OSError as error:
                reason = f"{file}, which is part of the image, cannot be read ({error.strerror}); chmod u+r {file}"
                raise pulumi.RunError(reason) from None
    return digest.hexdigest()[:16]
