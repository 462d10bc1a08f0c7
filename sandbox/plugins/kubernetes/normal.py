"""One shape for inputs that mean the same to the API server."""

from __future__ import annotations

import base64
from typing import Final

from sandbox.plugins.kubernetes.objects import Object, copy_of, dig, kind_of, remove_member
from sandbox.plugins.protocol.properties import contains_unknown

READ_ONLY_METADATA: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


def normalized(inputs: Object) -> Object:
    """Return inputs without read-only metadata, and as the server would store them where it rewrites them."""
    result: Object = copy_of(inputs)
    if not contains_unknown(result):
        match kind_of(result).name:
            case "Secret" if kind_of(result).api_version == "v1":
                _fold_string_data(result)
            case "CustomResourceDefinition":
                if dig(result, "spec", "preserveUnknownFields") is False:
                    remove_member(result, "spec", "preserveUnknownFields")
                result.pop("status", None)
    for name in READ_ONLY_METADATA:
        remove_member(result, "metadata", name)
    return result


def _fold_string_data(secret: Object) -> None:
    """Encode `stringData` into `data`, where it wins, because the server keeps no other form."""
    plain = secret.get("stringData")
    if not isinstance(plain, dict) or not plain:
        return
    encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
    secret["data"] = {**(secret.get("data") or {}), **encoded}
    del secret["stringData"]
