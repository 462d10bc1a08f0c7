"""Check and Diff: what a resource's inputs are, and what they would change."""

from __future__ import annotations

from typing import Final

import grpc
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.kubernetes.checking import Checker
from sandbox.plugins.kubernetes.diffing import Differ
from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.naming import Autonaming, NamingMode
from sandbox.plugins.kubernetes.objects import from_properties
from sandbox.plugins.kubernetes.replies import diff_reply, fail
from sandbox.plugins.kubernetes.session import Session, state_of
from sandbox.plugins.protocol import properties

_OPTIONS = provider_pb2.CheckRequest.AutonamingOptions
MODES: Final = {
    _OPTIONS.PROPOSE: NamingMode.PROPOSE,
    _OPTIONS.ENFORCE: NamingMode.ENFORCE,
    _OPTIONS.DISABLE: NamingMode.DISABLE,
}


def check(
    session: Session, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
) -> provider_pb2.CheckResponse:
    """Return inputs that are named, placed and normalized."""
    if session.lifecycle is None and session.settings.skip_update_unreachable:
        session.log.warning(request.urn, "Cluster is unreachable but skipUpdateUnreachable is set, skipping")
        return provider_pb2.CheckResponse(inputs=request.olds)
    naming = Autonaming()
    if request.HasField("autonaming"):
        naming = Autonaming(MODES[request.autonaming.mode], request.autonaming.proposed_name)
    discovery = None if session.lifecycle is None else session.lifecycle.cluster.discovery
    checker = Checker(session.namespace, discovery)
    olds, news = properties.unmarshal(request.olds), properties.unmarshal(request.news)
    try:
        checked = checker.check(request.urn, news, olds, request.randomSeed, naming)
    except ProviderError as error:
        fail(context, str(error))
    failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in checked.failures.items()]
    return provider_pb2.CheckResponse(inputs=properties.marshal(checked.inputs), failures=failures)


def diff(session: Session, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
    """Compare state and new inputs."""
    state = state_of(request.olds, request.old_inputs)
    news = from_properties(properties.unmarshal(request.news))
    differ = Differ(session.settings, session.log, session.lifecycle)
    return diff_reply(differ.diff(request.urn, state, news, request.ignoreChanges))
