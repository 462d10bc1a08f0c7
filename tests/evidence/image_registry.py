"""A small image registry in memory that stands behind httpx.MockTransport, with the ways in which real ones sign in."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

import httpx

from evidence.registry import Credentials, Registry

HOST = "registry.internal"
REPOSITORY = f"{HOST}/team/release-manager"
TOKENS = "https://tokens.internal/token?account=ci"
OCI = "application/vnd.oci.image.manifest.v1+json"
CREDENTIALS = Credentials("release", "hunter2-the-secret")
_SIGNED = "Basic " + base64.b64encode(b"release:hunter2-the-secret").decode()


def manifest(content: str) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": {"digest": content}}, indent=3).encode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class ImageRegistry:
    """`sign_in` is "", "basic" or "bearer"; with `anybody` a token is given without a password, but only to pull."""

    sign_in: str = ""
    anybody: bool = False
    realm: str = TOKENS
    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    fails: httpx.Response | Exception | None = None
    deaf: bool = False

    def registry(self, credentials: Credentials | None = None, repository: str = REPOSITORY) -> Registry:
        return Registry(repository, credentials, transport=httpx.MockTransport(self))

    def keep(self, tag: str, content: str) -> str:
        body = manifest(content)
        self.manifests[digest_of(body)] = body
        self.tags[tag] = digest_of(body)
        return digest_of(body)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        # A copy: to sign in, the client sends the same request again with one header more.
        self.requests.append(httpx.Request(request.method, request.url, headers=request.headers))
        assert set(request.extensions["timeout"].values()) == {10.0}, "every request is bounded"
        if isinstance(self.fails, Exception):
            raise self.fails
        if self.fails is not None:
            return self.fails
        if request.url.host == "tokens.internal":
            return self._token(request)
        if (challenge := self._challenge(request)) is not None:
            return httpx.Response(401, headers={"WWW-Authenticate": challenge}, json={"errors": []})
        return self._manifest(request)

    def _challenge(self, request: httpx.Request) -> str | None:
        given = request.headers.get("Authorization", "")
        if self.sign_in == "basic":
            return None if given == _SIGNED else 'Basic realm="registry"'
        if self.sign_in == "bearer":
            right = "push" if request.method == "PUT" else "pull"
            scope = f"repository:team/release-manager:{right}"
            told = f'Bearer realm="{self.realm}",service="{HOST}",scope="{scope}"'
            return None if given in {f"Bearer all-{scope}", f"Bearer pull-{scope}"} else told
        return None

    def _token(self, request: httpx.Request) -> httpx.Response:
        assert request.url.params["account"] == "ci", "what the realm asks for itself is kept"
        assert request.url.params["service"] == HOST
        scope = request.url.params["scope"]
        if request.headers.get("Authorization") == _SIGNED:
            return httpx.Response(200, json={"access_token": f"all-{scope}"})
        if self.anybody and scope.endswith(":pull"):
            return httpx.Response(200, json={"token": f"pull-{scope}"})
        return httpx.Response(401, json={"errors": [{"code": "UNAUTHORIZED"}]})

    def _manifest(self, request: httpx.Request) -> httpx.Response:
        path, _, reference = request.url.path.rpartition("/")
        if path != "/v2/team/release-manager/manifests":
            return httpx.Response(404, json={"errors": [{"code": "NAME_UNKNOWN"}]})
        if request.method == "PUT":
            assert request.headers["Content-Type"] == OCI
            digest = digest_of(request.content)
            self.manifests[digest] = request.content
            if not self.deaf:
                self.tags[reference] = digest
            return httpx.Response(201, headers={"Docker-Content-Digest": digest})
        assert OCI in request.headers["Accept"]
        found = self.manifests.get(self.tags.get(reference, reference))
        if found is None:
            return httpx.Response(404, json={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
        return httpx.Response(200, content=found, headers={"Content-Type": OCI})
