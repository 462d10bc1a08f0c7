"""The provider's side of the engine's protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.plugins.docker import diff
from sandbox.plugins.docker.build import build_image
from sandbox.plugins.docker.engine import Connection, Engine
from sandbox.plugins.docker.errors import ImageError
from sandbox.plugins.docker.inputs import ImageInputs, completed, minimum_known, secret_texts, without_nulls
from sandbox.plugins.docker.report import Report
from sandbox.plugins.protocol.engine_log import EngineLog, Log
from sandbox.plugins.protocol.properties import (
    UNKNOWN_STRINGS,
    Secret,
    contains_secret,
    contains_unknown,
    marshal,
    unmarshal,
)

IMAGE = "docker:index/image:Image"
CONFIG_PREFIX = "docker:config:"


class DockerProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves `docker:index/image:Image`; every other type of the provider is refused with a clear error.

    `connect` returns an engine that answers, or raises ImageError.
    """

    def __init__(self, *, version: str, log: Log, connect: Callable[[Connection], Engine]) -> None:
        self._version = version
        self._log = log
        self._connect = connect
        self._config: dict[str, str] = {}

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: ARG002, N802
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=self._version)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Send messages to another engine."""
        self._log = EngineLog.connect(request.address)
        return empty_pb2.Empty()

    def CheckConfig(  # noqa: N802
        self,
        request: provider_pb2.CheckRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.CheckResponse:
        """Accept the configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(  # noqa: N802
        self,
        request: provider_pb2.DiffRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> provider_pb2.DiffResponse:
        """Tell which settings changed; another engine makes no image another image, so nothing is replaced."""
        return diff.response(diff.changed(unmarshal(request.olds), unmarshal(request.news)))

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Take the settings and see that the engine answers, so that a preview already tells when none does."""
        self._config = {
            key.removeprefix(CONFIG_PREFIX): value
            for key, value in request.variables.items()
            if value not in UNKNOWN_STRINGS
        }
        host_unknown = request.variables.get(f"{CONFIG_PREFIX}host") in UNKNOWN_STRINGS
        if not host_unknown:
            with _reported(context):
                self._connect(Connection.from_config(self._config))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=False)

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Complete the inputs: Dockerfile, context, its digest, platform."""
        _only_images(request.urn, context)
        news = unmarshal(request.news)
        with _reported(context, Report.about(request.urn, self._log, secret_texts(news))):
            inputs, guessed = completed(news)
            if guessed:
                platform = inputs["build"].value if isinstance(inputs["build"], Secret) else inputs["build"]
                self._log.info(
                    request.urn, f"Building for {platform['platform']}, this machine's; set build.platform to choose"
                )
            return provider_pb2.CheckResponse(inputs=marshal(inputs))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:  # noqa: N802
        """Tell which inputs changed; an image is always updated, never replaced."""
        _only_images(request.urn, context)
        old = diff.recorded_inputs(unmarshal(request.olds))
        return diff.response(diff.changed(old, unmarshal(request.news)))

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Build and push."""
        _only_images(request.urn, context)
        name, state = self._apply(request.urn, request.properties, context, preview=request.preview)
        return provider_pb2.CreateResponse(id=name, properties=state)

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Build and push again."""
        _only_images(request.urn, context)
        _, state = self._apply(request.urn, request.news, context, preview=request.preview)
        return provider_pb2.UpdateResponse(properties=state)

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:  # noqa: N802
        """Return the state as it is: what a registry holds is not compared."""
        _only_images(request.urn, context)
        return provider_pb2.ReadResponse(id=request.id, inputs=request.inputs, properties=request.properties)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        """Forget the image; neither the engine nor the registry loses anything."""
        _only_images(request.urn, context)
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Take note; a running build ends with this process, which the engine ends next."""
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:  # noqa: N802
        """Refuse: no function of the provider is served."""
        _refuse(f"the function {request.tok}", context)

    def _apply(
        self, urn: str, properties: struct_pb2.Struct, context: grpc.ServicerContext, *, preview: bool
    ) -> tuple[str, struct_pb2.Struct]:
        inputs = without_nulls(unmarshal(properties))
        report = Report.about(urn, self._log, secret_texts(inputs))
        if preview and not self._builds_at_preview(inputs, report):
            return "", properties
        with _reported(context, report):
            image = ImageInputs.parse(inputs)
            engine = self._connect(Connection.from_config(self._config))
            built = build_image(image, engine, report, push=not image.skip_push and not preview)
            outputs: dict[str, Any] = {
                "baseImageName": image.name,
                "context": image.build.directory,
                "dockerfile": image.build.relative_dockerfile,
                "imageName": image.name,
                "platform": image.platform,
                "registryServer": image.registry.server,
                diff.STATE_INPUTS: Secret(inputs),
            }
            if built.repo_digest or image.skip_push:
                # Without a push the local id serves; a preview of one that will be pushed knows neither.
                outputs["repoDigest"] = built.repo_digest or built.image_id
            if contains_secret(inputs.get("imageName")):
                outputs |= {key: Secret(outputs[key]) for key in ("imageName", "baseImageName")}
            return image.name, marshal(outputs)

    @staticmethod
    def _builds_at_preview(inputs: dict[str, Any], report: Report) -> bool:
        wanted = inputs.get("buildOnPreview")
        if contains_unknown(wanted):
            report.warning("buildOnPreview is not known yet, so the image is not built at preview; set it explicitly")
            return False
        if not wanted:
            return False
        if not minimum_known(inputs):
            report.warning(
                "imageName, build.dockerfile, build.context or build.args is not known yet, "
                "so the image is not built at preview"
            )
            return False
        return True


@contextmanager
def _reported(context: grpc.ServicerContext, report: Report | None = None) -> Iterator[None]:
    """Turn an ImageError into the failure of the call."""
    try:
        yield
    except ImageError as error:
        text = report.masked(str(error)) if report else str(error)
        context.abort(grpc.StatusCode.UNKNOWN, text)


def _only_images(urn: str, context: grpc.ServicerContext) -> None:
    kind = urn.split("::")[2].rpartition("$")[2]
    if kind != IMAGE:
        _refuse(f"the resource type {kind}", context)


def _refuse(what: str, context: grpc.ServicerContext) -> NoReturn:
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        f"{what} is not served by the sandbox's stand-in for the docker plug-in, which knows {IMAGE} only; "
        "install the official one: pulumi plugin install resource docker",
    )
    raise AssertionError("abort always raises")
