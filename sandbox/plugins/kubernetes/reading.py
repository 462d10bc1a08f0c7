"""Read: refresh a resource from the live object, or take in one that the engine does not know yet."""

from __future__ import annotations

from typing import Final

import grpc
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.kubernetes.checkpoint import outputs_of
from sandbox.plugins.kubernetes.difference import pruned
from sandbox.plugins.kubernetes.errors import ApiError, NoMatchError, PartialError, ProviderError
from sandbox.plugins.kubernetes.masking import masked
from sandbox.plugins.kubernetes.normal import normalized
from sandbox.plugins.kubernetes.objects import (
    Object,
    copy_of,
    from_properties,
    kind_of,
    kind_of_urn,
    parse_identity,
    remove_member,
    set_member,
    to_properties,
)
from sandbox.plugins.kubernetes.replies import fail, fail_half_done
from sandbox.plugins.kubernetes.session import DELETE_HELP, Session, state_of
from sandbox.plugins.protocol import properties

CONTROLLER_ANNOTATIONS: Final = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)


def read(
    session: Session, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
) -> provider_pb2.ReadResponse:
    """Return the live object and its inputs as they are live; an empty id where it is gone.

    The inputs keep the shape of the old ones, so that what the server or others add is no change. Without old ones
    (an import), the whole object is taken. One that is not ready is reported with the reasons.
    """
    if session.lifecycle is None:
        return _unreachable(session, request, context)
    state = state_of(request.properties, request.inputs)
    marks = properties.unmarshal(request.inputs)
    old = normalized(from_properties(marks))
    namespace, name = parse_identity(request.id)
    imported = not kind_of(old).name and not kind_of(state.live).name
    if not kind_of(old).name:
        kind = kind_of_urn(request.urn) if imported else kind_of(state.live)
        old |= {"apiVersion": kind.api_version, "kind": kind.name}
    error: PartialError | None = None
    try:
        live = session.lifecycle.read(old, namespace or session.namespace, name, check=not imported)
    except NoMatchError:
        return provider_pb2.ReadResponse()
    except PartialError as unready:
        error, live = unready, unready.item
    except ProviderError as failure:
        if isinstance(failure, ApiError) and failure.not_found:
            return provider_pb2.ReadResponse()
        fail(context, str(failure))
    inputs = _importable(live) if imported else pruned(live, old)
    outputs = outputs_of(
        live,
        inputs,
        marks,
        initial_api_version=state.initial_api_version or live["apiVersion"],
        manager=session.manager(old, state),
    )
    kept = masked(to_properties(inputs), marks)
    if error is not None:
        fail_half_done(context, request.id, error, outputs, kept)
    return provider_pb2.ReadResponse(
        id=request.id, properties=properties.marshal(outputs), inputs=properties.marshal(kept)
    )


def _importable(live: Object) -> Object:
    inputs: Object = normalized(copy_of(live))
    inputs.pop("status", None)
    for key in CONTROLLER_ANNOTATIONS:
        remove_member(inputs, "metadata", "annotations", key)
    if not inputs.get("metadata", {}).get("annotations", True):
        remove_member(inputs, "metadata", "annotations")
    set_member(inputs, live.get("kind"), "kind")
    return inputs


def _unreachable(
    session: Session, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
) -> provider_pb2.ReadResponse:
    session.warn_unreachable(request.urn)
    if session.settings.delete_unreachable:
        session.log.info(
            request.urn,
            "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. "
            "Deleting the unreachable resource from Pulumi state",
        )
        return provider_pb2.ReadResponse()
    if not session.settings.skip_update_unreachable:
        fail(
            context,
            f"failed to read resource state due to unreachable cluster. If the cluster was deleted, {DELETE_HELP}",
        )
    session.log.info(
        request.urn,
        "configured Kubernetes cluster is unreachable and the `skipUnreachable` option is enabled. "
        "Returned data could not reflect the actual cluster configuration.",
    )
    return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
