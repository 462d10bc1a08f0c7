"""Names of images: `[domain/]repository[:tag][@digest]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.plugins.docker.errors import ImageError

DEFAULT_DOMAIN = "docker.io"
# What a Docker engine calls its default registry in credentials, for historical reasons.
DEFAULT_REGISTRY = "https://index.docker.io/v1/"
DEFAULT_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


@dataclass(frozen=True)
class Reference:
    """A parsed name. `canonical` tells whether the name was written in full, registry included."""

    domain: str
    path: str
    tag: str | None
    canonical: bool

    @property
    def repository(self) -> str:
        """The name without tag, as the engine lists it (the default registry is left out)."""
        if self.domain != DEFAULT_DOMAIN:
            return f"{self.domain}/{self.path}"
        return self.path.removeprefix("library/")


def parse(name: str) -> Reference:
    """Return the parts of an image name; raise ImageError if the engine would not take it."""
    rest, _, digest = name.partition("@")
    head, slash, tail = rest.partition("/")
    explicit = bool(slash) and ("." in head or ":" in head or head == "localhost" or head != head.lower())
    domain, path = (head, tail) if explicit else (DEFAULT_DOMAIN, rest)
    path, colon, tag = path.partition(":")
    canonical = explicit
    if domain in ("index.docker.io", DEFAULT_DOMAIN):
        canonical = explicit and domain == DEFAULT_DOMAIN and "/" in path
        domain = DEFAULT_DOMAIN
        path = path if "/" in path else f"library/{path}"
    valid = (
        _DOMAIN.fullmatch(domain)
        and _PATH.fullmatch(path)
        and (not colon or _TAG.fullmatch(tag))
        and ("@" not in name or _DIGEST.fullmatch(digest))
    )
    if not valid:
        raise ImageError(
            f"imageName {name!r} is not a valid image name; allowed is [registry/]repository[:tag] in lower case, "
            "for example 127.0.0.1:5000/release-manager:dev-1a2b3c4"
        )
    return Reference(domain=domain, path=path, tag=tag or None, canonical=canonical)


def registry_address(server: str, image_name: str) -> str:
    """Return the registry that credentials are looked up for: `server` if given, else the one in the image's name.

    Raises ImageError if the name does not say which registry it means.
    """
    if server:
        host = re.sub(r"^https?://", "", server).partition("/")[0]
    else:
        reference = parse(image_name)
        if not reference.canonical:
            raise ImageError(
                f"imageName {image_name!r} does not name its registry; write it in full, for example "
                f"{DEFAULT_DOMAIN}/{reference.path}{':' + reference.tag if reference.tag else ''}, "
                "or set registry.server or skipPush: true"
            )
        host = reference.domain
    return DEFAULT_REGISTRY if host in DEFAULT_HOSTS else host
