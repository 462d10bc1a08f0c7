"""The image of a release."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pulumi
import pulumi_docker as docker

from cluster.errors import GateFailed
from components.gate import Check, Gate, GateArgs, Inputs, afterwards
from components.recorded import recorded_outputs
from evidence.build_context import BuildContextError, content_of, context_again, context_of
from evidence.git import Revision
from evidence.image import FoundImage
from settings import Settings

TYPE = "release-manager:release:Image"
BUILD = "docker:index/image:Image"
INPUTS = ("build", "buildOnPreview", "imageName", "registry", "skipPush")
# An output of the component, by which the next update knows what the image on record was built from.
BUILT_FROM = "built_from"


@dataclass(frozen=True)
class ImageArgs:
    """`found` is an image that is not built again; `promote` gives a promoted one the tag that its record names.

    `built` keeps which image was built from a commit that was approved before there was one.
    """

    settings: Settings
    revision: Revision
    found: FoundImage | None
    promote: Check
    built: Check

    @property
    def tag(self) -> str:
        """Tag of the image: environment and short commit."""
        return self.revision.tag(self.settings.environment)


class ReleaseImage(pulumi.ComponentResource):
    """The image of a release, in the registry under `<environment>-<short sha>`. `reference` is repository and digest.

    What a person sees: the first update with a commit builds and pushes. With `image.reuse` the next one takes the
    digest that the registry has under the tag, which a preview knows too, and shows no change; nor does one of
    another commit that the registry has, as after a rollback: the last build that the engine has on record stays as
    it is, until another is built. A promoted image is never built: a gate sets its tag.

    With `image.reuse` what is committed is built, as git has it: what git ignores is not part of it. (A submodule in
    the context, or a link that leads out of it, only the work tree has: then that is built, as without `image.reuse`.)

    Where what the last build was made from is lost (its commit is not in this clone, and none is fetched; the work
    tree has changed; another plug-in reads it) the engine drops its record of that build: it shows
    `docker:index:Image delete` once, and no image is deleted.

    Deliberately deletes nothing from the registry: older releases must be there to go back to. The label `created` is
    the time of the commit. A promoted image keeps the labels of the environment that built it.
    """

    reference: pulumi.Output[str]

    def __init__(self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(TYPE, name, {}, opts)
        built_from = ""
        try:
            if args.found is None:
                directory = _directory(args)
                built_from = _key(directory) if args.settings.image.reuse else ""
                self.reference = self._built(name, args, directory).repo_digest
            elif args.found.promoted:
                self.reference = self._promoted(name, args, args.found)
            else:
                self.reference = pulumi.Output.from_input(args.found.reference)
                built_from = self._still_on_record(name, args)
        except BuildContextError as error:
            raise pulumi.RunError(str(error)) from None
        self.register_outputs({"reference": self.reference, BUILT_FROM: built_from})

    def _built(self, name: str, args: ImageArgs, directory: str) -> docker.Image:
        settings, revision = args.settings.image, args.revision
        sign_in = settings.registry
        return docker.Image(
            f"{name}-image",
            image_name=f"{settings.repository}:{args.tag}",
            build=docker.DockerBuildArgs(
                context=directory,
                dockerfile=f"{directory}/Dockerfile",
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
            opts=pulumi.ResourceOptions(parent=self, hooks=self._told_when_built(name, args)),
        )

    def _told_when_built(self, name: str, args: ImageArgs) -> pulumi.ResourceHookBinding | None:
        settings, revision = args.settings, args.revision
        if not settings.approval.required or not settings.image.found_again:
            return None

        def record(outputs: Inputs) -> Mapping[str, str]:
            version = revision.version(settings.environment)
            return {"version": version, "revision": revision.sha, "image": str(outputs["repoDigest"])}

        hook = afterwards(f"{name}-built", args.built, record, self)
        return pulumi.ResourceHookBinding(after_create=[hook], after_update=[hook])

    def _still_on_record(self, name: str, args: ImageArgs) -> str:
        """Declare the last build as the engine has it on record, whichever commit it was of; return its key.

        Declared only where the provider finds nothing to build: whatever differs from its record it builds. Returns
        an empty text where there is no such record, or no such certainty.
        """
        key: str = recorded_outputs(TYPE, name).get(BUILT_FROM, "")
        on_record = recorded_outputs(BUILD, f"{name}-image") if key else {}
        directory = str(on_record.get("context", ""))
        if context_again(Path(args.settings.image.context), directory) is None or key != _key(directory):
            return ""
        image_name = str(on_record["imageName"])

        def refuse(_hook: pulumi.ResourceHookArgs) -> None:
            raise GateFailed(
                f"the engine would build {image_name} again, which the registry has already, and a tag is never"
                " overwritten (was the docker plug-in replaced?); release a new commit"
            )

        never = pulumi.ResourceHook(f"{name}-once", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
        docker.Image(
            f"{name}-image",
            image_name=image_name,
            build=docker.DockerBuildArgs(context=directory, dockerfile=f"{directory}/Dockerfile"),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The engine puts what it has on record in their place: the arguments of that build, and its sign-in.
                ignore_changes=list(INPUTS),
                hooks=pulumi.ResourceHookBinding(before_create=[never], before_update=[never]),
            ),
        )
        return key

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


def _directory(args: ImageArgs) -> str:
    settings, revision = args.settings.image, args.revision
    if not settings.reuse or revision.changes:
        return settings.context
    return str(context_of(Path(settings.context), revision.sha) or settings.context)


def _key(directory: str) -> str:
    """Return a hash of what the provider reads from `directory`, and of which provider it is."""
    told = [metadata.version("pulumi-docker"), directory, content_of(Path(directory))]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
