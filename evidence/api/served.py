"""The OpenAPI document that the running version serves itself, at the host of its health address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx

from evidence.api.document import ApiDocumentError

LARGEST_BYTES = 4 * 1024 * 1024
SECONDS = 2.5


def served_document(
    connect: Callable[[str], AbstractContextManager[httpx.Client]], health: str, connect_to: str, path: str
) -> bytes:
    """Return what `path` at the host of the address `health` answers. Raises ApiDocumentError.

    `connect_to` is an address to connect to in its place, under the same name; `connect` opens a client for one.
    """
    address = httpx.URL(health).copy_with(path=path, query=None)
    target = address.copy_with(host=connect_to) if connect_to else address
    mend = "see that it answers from here, or waive item notes for this release"
    try:
        with connect(str(target)) as client:
            answer = client.get(
                target,
                headers={"Host": address.netloc.decode(), "Accept": "application/json"},
                timeout=SECONDS,
                extensions={"sni_hostname": address.host},
            )
    except httpx.HTTPError as error:
        raise ApiDocumentError(f"{address} gives no answer ({type(error).__name__}); {mend}") from None
    if not answer.is_success or len(answer.content) > LARGEST_BYTES:
        what = f"answers {answer.status_code}" if not answer.is_success else "answers too much"
        raise ApiDocumentError(f"{address} {what}, and no OpenAPI document; {mend}")
    return answer.content
