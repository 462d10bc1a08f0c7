"""The provider's answers in the protocol's words: errors with their details, and detailed differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.plugins.kubernetes.difference import ChangeKind, format_path
from sandbox.plugins.kubernetes.diffing import Difference
from sandbox.plugins.kubernetes.errors import reasons_of
from sandbox.plugins.protocol import properties

DETAILS: Final = "grpc-status-details-bin"
_DIFF = provider_pb2.PropertyDiff
KINDS: Final = {
    (ChangeKind.ADD, False): _DIFF.ADD,
    (ChangeKind.ADD, True): _DIFF.ADD_REPLACE,
    (ChangeKind.UPDATE, False): _DIFF.UPDATE,
    (ChangeKind.UPDATE, True): _DIFF.UPDATE_REPLACE,
    (ChangeKind.DELETE, False): _DIFF.DELETE,
    (ChangeKind.DELETE, True): _DIFF.DELETE_REPLACE,
}


def fail(context: grpc.ServicerContext, message: str) -> NoReturn:
    """End a call with an error whose message the engine shows."""
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError(message)


def fail_half_done(
    context: grpc.ServicerContext,
    identifier: str,
    error: BaseException,
    outputs: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
) -> NoReturn:
    """End a call that left an object behind which is not ready: the engine keeps it in state, with the reasons."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=identifier,
            properties=properties.marshal(outputs),
            reasons=reasons_of(error),
            inputs=None if inputs is None else properties.marshal(inputs),
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[detail])
    context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
    context.abort(code, str(error))
    raise AssertionError(str(error))


def diff_reply(difference: Difference) -> provider_pb2.DiffResponse:
    """Return a difference in the protocol's form."""
    reply = provider_pb2.DiffResponse
    return reply(
        changes=reply.DIFF_NONE if difference.is_empty else reply.DIFF_SOME,
        replaces=list(difference.replaces),
        deleteBeforeReplace=difference.delete_first,
        detailedDiff={
            format_path(change.path): _DIFF(
                kind=KINDS[change.kind, change.replaces], inputDiff=change.kind is ChangeKind.DELETE
            )
            for change in difference.changes
        },
        hasDetailedDiff=True,
    )
