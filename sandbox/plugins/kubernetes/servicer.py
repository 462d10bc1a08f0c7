"""The resource provider service: each call of the engine, in the order in which the engine makes them."""
# ruff: noqa: N802 - the protocol names the methods

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.plugins.kubernetes import VERSION, planning
from sandbox.plugins.kubernetes.client import Cluster
from sandbox.plugins.kubernetes.creating import create
from sandbox.plugins.kubernetes.deleting import delete
from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.kubeconfig import Connection, KubeconfigError, Selection, connect
from sandbox.plugins.kubernetes.lifecycle import Lifecycle
from sandbox.plugins.kubernetes.provider_config import diff_config
from sandbox.plugins.kubernetes.reading import read
from sandbox.plugins.kubernetes.replies import fail
from sandbox.plugins.kubernetes.session import Session
from sandbox.plugins.kubernetes.settings import SettingsError, read_settings
from sandbox.plugins.kubernetes.updating import update
from sandbox.plugins.protocol import properties
from sandbox.plugins.protocol.engine_log import Log

NEEDS_OFFICIAL = "needs the official pulumi-kubernetes plug-in; this stand-in does not have it: install the plug-in"


class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one configured provider. `connector` turns what the configuration selects into a client."""

    def __init__(
        self,
        log: Log,
        connector: Callable[[Selection], Connection] = connect,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self._log = log
        self._connector = connector
        self._cancelled = threading.Event()
        self._pause = pause or self._cancelled.wait
        self._session: Session | None = None

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Tell what kinds of values this provider takes."""
        del request, context
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Tell the version of the official provider that this one stands in for."""
        del request, context
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Take the provider's configuration as it is."""
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Tell whether another configuration means another cluster."""
        del context
        difference = diff_config(properties.unmarshal(request.olds), properties.unmarshal(request.news))
        reply = provider_pb2.DiffResponse
        return reply(
            changes=reply.DIFF_SOME if difference.changed else reply.DIFF_NONE,
            diffs=list(difference.changed),
            replaces=list(difference.replaces),
        )

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Find the cluster. One that cannot be reached fails only the operations that need it."""
        try:
            settings = read_settings(request.variables, os.environ)
        except SettingsError as error:
            fail(context, str(error))
        cluster, namespace, reason = None, settings.selection.namespace or "default", ""
        try:
            connection = self._connector(settings.selection)
            namespace = connection.namespace
            cluster = Cluster(connection.client, connection.server)
            cluster.request("GET", "/version")
        except KubeconfigError as error:
            reason = f"unable to load Kubernetes client configuration from kubeconfig file: {error}"
        except ProviderError as error:
            cluster, reason = None, f"unable to load schema information from the API server: {error}"
        lifecycle = None if cluster is None else Lifecycle(cluster, settings, self._log, self._pause)
        self._session = Session(settings, namespace, self._log, lifecycle, reason)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Name, place and normalize a resource's inputs."""
        return planning.check(self._configured(context), request, context)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Tell what would change."""
        return planning.diff(self._configured(context), request)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Create an object, or say what it would become."""
        return create(self._configured(context), request, context)

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Return a live object; an empty id where it is gone."""
        return read(self._configured(context), request, context)

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Change an object in place, or say what it would become."""
        return update(self._configured(context), request, context)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Delete an object and wait until it is gone."""
        delete(self._configured(context), request, context)
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Stop every wait."""
        del request, context
        self._cancelled.set()
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Refuse: functions such as reading YAML files are not part of this provider."""
        fail(context, f"the function `{request.tok}` {NEEDS_OFFICIAL}")

    def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """Refuse: components such as charts and configuration groups are not part of this provider."""
        fail(context, f"the component `{request.type}` {NEEDS_OFFICIAL}")

    def Call(self, request: provider_pb2.CallRequest, context: grpc.ServicerContext) -> provider_pb2.CallResponse:
        """Refuse: no resource of this provider has methods."""
        fail(context, f"the method `{request.tok}` {NEEDS_OFFICIAL}")

    def _configured(self, context: grpc.ServicerContext) -> Session:
        if self._session is None:
            fail(context, "the provider is used before it was configured: this is an error of the engine")
        return self._session
