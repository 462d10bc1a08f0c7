"""Create: a new object, or at preview what it would become."""

from __future__ import annotations

import grpc
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.kubernetes.checkpoint import outputs_of
from sandbox.plugins.kubernetes.errors import ApiError, NoMatchError, PartialError, ProviderError, with_context
from sandbox.plugins.kubernetes.lifecycle import Task
from sandbox.plugins.kubernetes.objects import from_properties, identity, is_patch, kind_of
from sandbox.plugins.kubernetes.replies import fail, fail_half_done
from sandbox.plugins.kubernetes.session import NO_KIND, Session
from sandbox.plugins.protocol import properties


def create(
    session: Session, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
) -> provider_pb2.CreateResponse:
    """Create an object and wait for it; one that is not ready in the end stays in state with the reasons."""
    marks = properties.unmarshal(request.properties)
    inputs = from_properties(marks)
    as_given = provider_pb2.CreateResponse(properties=request.properties)
    patch = is_patch(request.urn, kind_of(inputs).name)
    if request.preview and (patch or not session.can_preview(inputs)):
        return as_given
    lifecycle = session.reachable(context)
    task = Task(request.urn, session.manager(inputs), request.timeout, request.preview, patch)
    error: PartialError | None = None
    try:
        live = lifecycle.create(inputs, task)
    except PartialError as half_done:
        error, live = half_done, half_done.item
    except NoMatchError as missing:
        fail(context, f'creation of resource "{request.urn}" with kind {kind_of(inputs)} failed {NO_KIND}: {missing}')
    except ProviderError as failure:
        if request.preview and isinstance(failure, ApiError) and _may_succeed_later(failure):
            return as_given
        fail(context, f'resource "{request.urn}" was not successfully created by the Kubernetes API server: {failure}')
    if request.preview:
        # A status that is only a guess must not reach the program.
        live.pop("status", None)
    outputs = outputs_of(live, inputs, marks, initial_api_version=inputs["apiVersion"], manager=task.manager)
    if error is not None:
        sentence = (
            f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported that it '
            "failed to fully initialize or become live"
        )
        fail_half_done(context, identity(live), with_context(sentence, error), outputs)
    if kind_of(inputs).name == "CustomResourceDefinition":
        lifecycle.cluster.discovery.forget()
    identifier = "" if request.preview else identity(live)
    return provider_pb2.CreateResponse(id=identifier, properties=properties.marshal(outputs))


def _may_succeed_later(error: ApiError) -> bool:
    """Tell whether what fails at preview may succeed in the update.

    The namespace may be created by then, an object of the same name replaced, and a dry run may need more rights.
    """
    return error.forbidden or error.already_exists or error.namespace_missing or error.immutable
