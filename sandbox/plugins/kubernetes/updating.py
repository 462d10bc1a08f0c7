"""Update: change an object in place, or at preview what it would become."""

from __future__ import annotations

import grpc
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.kubernetes.checkpoint import outputs_of
from sandbox.plugins.kubernetes.errors import ApiError, NoMatchError, PartialError, ProviderError
from sandbox.plugins.kubernetes.lifecycle import Task
from sandbox.plugins.kubernetes.normal import normalized
from sandbox.plugins.kubernetes.objects import from_properties, identity, is_patch, kind_of
from sandbox.plugins.kubernetes.replies import fail, fail_half_done
from sandbox.plugins.kubernetes.session import NO_KIND, Session, state_of
from sandbox.plugins.protocol import properties


def update(
    session: Session, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
) -> provider_pb2.UpdateResponse:
    """Change an object and wait for it; one that was refused or is not ready stays in state as it is live."""
    marks = properties.unmarshal(request.news)
    inputs = normalized(from_properties(marks))
    if request.preview and not session.can_preview(inputs):
        return provider_pb2.UpdateResponse(properties=request.news)
    lifecycle = session.reachable(context)
    state = state_of(request.olds, request.old_inputs)
    manager = session.manager(inputs, state)
    patch = is_patch(request.urn, kind_of(inputs).name)
    task = Task(request.urn, manager, request.timeout, request.preview, patch)
    error: ProviderError | None = None
    try:
        live = lifecycle.update(inputs, state.live, request.ignoreChanges, task)
    except NoMatchError as missing:
        fail(context, f'update of resource "{request.urn}" failed {NO_KIND}: {missing}')
    except ProviderError as failure:
        if request.preview and isinstance(failure, ApiError) and failure.forbidden:
            return provider_pb2.UpdateResponse(properties=request.news)
        error = failure
        try:
            live = lifecycle.cluster.read(state.live)
        except ProviderError as unreadable:
            fail(
                context,
                f'update of resource "{request.urn}" failed: {failure}\nunable to get cluster state: {unreadable}',
            )
    outputs = outputs_of(live, inputs, marks, initial_api_version=state.initial_api_version, manager=manager)
    if error is not None:
        sentence = (
            f'the Kubernetes API server reported that "{identity(live)}" failed to fully initialize or become live'
        )
        reasons = error.reasons if isinstance(error, PartialError) else ()
        fail_half_done(context, identity(live), PartialError(f"{sentence}: {error}", live, reasons), outputs)
    old_manager = session.manager(state.inputs, state)
    if not request.preview and old_manager != manager:
        lifecycle.relinquish(live, old_manager)
    return provider_pb2.UpdateResponse(properties=properties.marshal(outputs))
