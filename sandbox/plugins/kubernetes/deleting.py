"""Delete: remove an object and wait until it is gone."""

from __future__ import annotations

import grpc
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.kubernetes.checkpoint import outputs_of
from sandbox.plugins.kubernetes.errors import PartialError, ProviderError
from sandbox.plugins.kubernetes.lifecycle import Task
from sandbox.plugins.kubernetes.objects import is_patch, kind_of, parse_identity, set_member
from sandbox.plugins.kubernetes.replies import fail, fail_half_done
from sandbox.plugins.kubernetes.session import DELETE_HELP, Session, state_of
from sandbox.plugins.protocol import properties


def delete(session: Session, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> None:
    """Delete an object; one that does not go stays in state with the reasons."""
    state = state_of(request.properties, request.old_inputs)
    if session.lifecycle is None:
        session.warn_unreachable(request.urn)
        if session.settings.delete_unreachable:
            return
        fail(context, f"configured Kubernetes cluster is unreachable. If the cluster was deleted, {DELETE_HELP}")
    live = state.live if kind_of(state.live).name else state.inputs
    namespace, name = parse_identity(request.id)
    set_member(live, name, "metadata", "name")
    if namespace:
        set_member(live, namespace, "metadata", "namespace")
    manager = session.manager(state.inputs, state)
    patch = is_patch(request.urn, kind_of(live).name)
    try:
        session.lifecycle.delete(state.inputs, live, Task(request.urn, manager, request.timeout, is_patch=patch))
    except PartialError as error:
        marks = properties.unmarshal(request.old_inputs)
        outputs = outputs_of(
            error.item, state.inputs, marks, initial_api_version=state.initial_api_version, manager=manager
        )
        fail_half_done(context, request.id, error, outputs)
    except ProviderError as error:
        fail(context, str(error))
