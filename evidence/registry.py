"""What an image registry has: the digest behind a tag, and another tag for a digest (OCI distribution API)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from cluster.trust import system_trust
from evidence.errors import EvidenceError

TIMEOUT_SECONDS = 10.0
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# What a registry says of a tag or a repository that it does not have; anything else that is not found is no answer.
NOT_THERE = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})
LOOPBACK = frozenset({"localhost", "127.0.0.1"})


class RegistryError(EvidenceError):
    """The registry gives no usable answer, or refuses; the text names the mend. Never means "does not have it"."""


@dataclass(frozen=True)
class Credentials:
    """How to sign in."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Manifest:
    """A manifest exactly as the registry keeps it, so that its digest stays the same under another tag."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """Return the digest: that of the content."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


class Registry:
    """One repository of a registry. Each call is bounded; a context manager that closes its connections.

    Speaks plain HTTP to this machine only. Signs in where the registry asks for it, with `credentials` or as anybody.
    `transport` replaces the network in tests. Raises RegistryError for a repository that names no registry.
    """

    def __init__(
        self, repository: str, credentials: Credentials | None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        host, _, self._path = repository.partition("/")
        if not self._path or not (host.partition(":")[0] == "localhost" or "." in host or ":" in host):
            raise RegistryError(
                f"image.repository '{repository}' names no registry that could be asked;"
                " begin it with the registry's host: registry.example/release-manager"
            )
        self.repository, self._host = repository, host
        local = host.partition(":")[0] in LOOPBACK
        self._client = httpx.Client(
            base_url=f"{'http' if local else 'https'}://{host}",
            auth=_SignIn(credentials, local=local),
            timeout=TIMEOUT_SECONDS,
            follow_redirects=True,
            # A proxy of the environment leads away from this machine.
            trust_env=not local,
            verify=system_trust(),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def digest(self, reference: str) -> str | None:
        """Return the digest of a tag (or of a digest), or None where the registry says that it has no such thing."""
        manifest = self._manifest(reference)
        return None if manifest is None else manifest.digest

    def retag(self, digest: str, tag: str) -> None:
        """Let `tag` name `digest`; the manifest is not changed, so pods that run it do not move. Safe to repeat."""
        manifest = self._manifest(digest)
        if manifest is None:
            raise RegistryError(f"the registry no longer has {self.repository}@{digest}; release the commit anew")
        answer = self._request(
            "PUT", tag, content=manifest.content, headers={"Content-Type": manifest.media_type}, right="push to"
        )
        if not answer.is_success:
            raise self._unusable(answer)
        if (now := self.digest(tag)) != digest:
            raise RegistryError(
                f"{self.repository}:{tag} is {now} after it was set to {digest}; "
                "see whether another release sets the same tag, then run the same command again"
            )

    def _manifest(self, reference: str) -> Manifest | None:
        answer = self._request("GET", reference, headers={"Accept": ", ".join(MANIFESTS)}, right="pull from")
        if answer.status_code == httpx.codes.NOT_FOUND and _codes(answer) & NOT_THERE:
            return None
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if answer.status_code != httpx.codes.OK or media_type not in MANIFESTS:
            raise self._unusable(answer)
        manifest = Manifest(answer.content, media_type)
        if DIGEST.match(reference) and manifest.digest != reference:
            raise RegistryError(f"the registry {self._host} answers {reference} with something else; see its log")
        return manifest

    def _request(self, method: str, reference: str, *, right: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401
        try:
            answer = self._client.request(method, f"/v2/{self._path}/manifests/{reference}", **arguments)
        except httpx.HTTPError as error:
            raise RegistryError(
                f"the registry {self._host} gives no answer ({str(error) or type(error).__name__}), so it is not known"
                f" what it has; see that it runs and that image.repository ({self.repository}) names it"
            ) from error
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise RegistryError(
                f"the registry {self._host} does not let this stack {right} {self.repository} ({answer.status_code});"
                " set image.registry.username and image.registry.password to a login that may"
            )
        return answer

    def _unusable(self, answer: httpx.Response) -> RegistryError:
        said = f": {', '.join(sorted(_codes(answer)))}" if _codes(answer) else ""
        return RegistryError(
            f"the registry {self._host} answers {answer.request.method} {answer.request.url.path} in a way that a"
            f" registry of images does not ({answer.status_code}{said}); see that image.repository ({self.repository})"
            " names one and that it is well"
        )


class _SignIn(httpx.Auth):
    """Answers a registry's challenge, Basic or Bearer, once."""

    requires_response_body = True

    def __init__(self, credentials: Credentials | None, *, local: bool) -> None:
        self._basic = httpx.BasicAuth(credentials.username, credentials.password) if credentials else None
        self._local = local

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        answer = yield request
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            return
        scheme, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme.lower() == "basic" and self._basic is not None:
            yield from self._basic.auth_flow(request)
        elif scheme.lower() == "bearer" and "realm" in challenge:
            asked = {key: challenge[key] for key in ("service", "scope") if key in challenge}
            url = httpx.URL(challenge["realm"]).copy_merge_params(asked)
            # The time-outs are among the extensions.
            realm = httpx.Request("GET", url, extensions=request.extensions)
            # The registry names the realm: a password goes there only where nobody on the way can read it.
            secure = url.scheme == "https" or self._local
            signed = next(self._basic.auth_flow(realm)) if self._basic is not None and secure else realm
            token = _token((yield signed))
            if token:
                request.headers["Authorization"] = f"Bearer {token}"
                yield request


def _token(answer: httpx.Response) -> str:
    try:
        found = answer.json() if answer.is_success else {}
    except ValueError:
        return ""
    return str(found.get("token") or found.get("access_token") or "") if isinstance(found, dict) else ""


def _codes(answer: httpx.Response) -> frozenset[str]:
    try:
        errors = json.loads(answer.content).get("errors", [])
        return frozenset(str(error["code"]) for error in errors)
    except (ValueError, AttributeError, KeyError, TypeError):
        return frozenset()
