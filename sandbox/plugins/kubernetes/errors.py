"""What can go wrong, in the words of the official provider where it has any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sandbox.plugins.kubernetes.objects import Kind, Object, dig, name_of, text

CONFLICT_HELP: Final = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)


class ProviderError(Exception):
    """An operation failed; the text is shown to the user as it is."""


class ApiError(ProviderError):
    """The API server refused a request: `code` is the HTTP status, `reason` its machine-readable word."""

    def __init__(self, code: int, status: Object) -> None:
        self.code = code
        self.reason = text(status, "reason")
        self.details = dig(status, "details") or {}
        super().__init__(text(status, "message") or f"the server answered with HTTP status {code}")

    @property
    def not_found(self) -> bool:
        """The object, its kind or its namespace does not exist."""
        return self.code == 404

    @property
    def forbidden(self) -> bool:
        """The user may not do this."""
        return self.reason == "Forbidden"

    @property
    def already_exists(self) -> bool:
        """An object of that name exists."""
        return self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Another field manager owns a field, or the object changed meanwhile."""
        return self.reason == "Conflict"

    @property
    def immutable(self) -> bool:
        """A field was changed that cannot be changed."""
        return self.reason == "Invalid" and "field is immutable" in str(self)

    @property
    def namespace_missing(self) -> bool:
        """The namespace of the object does not exist."""
        return self.not_found and dig(self.details, "kind") == "namespaces"


class UnreachableError(ProviderError):
    """The API server did not answer."""


class NoMatchError(ProviderError):
    """The API server does not know a kind: usually its CustomResourceDefinition is missing."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f'no matches for kind "{kind.name}" in version "{kind.api_version}"')


class ApplyConflictError(ProviderError):
    """A field belongs to another manager and the apply was not forced."""

    def __init__(self, manager: str, cause: ApiError) -> None:
        super().__init__(
            f"Server-Side Apply field conflict detected. See {CONFLICT_HELP} for troubleshooting help.\n"
            f'The resource managed by field manager "{manager}" had an apply conflict: {cause}'
        )


class PartialError(ProviderError):
    """An operation reached the cluster but did not come to its end; `item` is the object as last seen.

    `reasons` are the single problems behind it.
    """

    def __init__(self, message: str, item: Object, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.item = item
        self.reasons = list(reasons)


class CancelledError(PartialError):
    """The user cancelled the wait."""

    def __init__(self, item: Object, reasons: Sequence[str] = ()) -> None:
        super().__init__(f'Resource operation was cancelled for "{name_of(item)}"', item, reasons)


class WaitTimeoutError(PartialError):
    """The object was not ready in time."""

    def __init__(self, item: Object, reasons: Sequence[str] = ()) -> None:
        super().__init__(f"'{name_of(item)}' timed out waiting to be Ready", item, reasons)


class InitializationError(PartialError):
    """The object exists but is not ready, or can never be."""

    def __init__(self, item: Object, reasons: Sequence[str] = ()) -> None:
        super().__init__(f"Resource '{name_of(item)}' was created but failed to initialize", item, reasons)


def with_context(context: str, error: PartialError) -> PartialError:
    """Return the same failure with a sentence before its message."""
    return PartialError(f"{context}: {error}", error.item, error.reasons)


def reasons_of(error: BaseException) -> list[str]:
    """Return the reasons to keep in state: the message itself, then the single problems."""
    found: list[Any] = [str(error)]
    if isinstance(error, PartialError):
        found += error.reasons
    return [str(reason) for reason in found]
