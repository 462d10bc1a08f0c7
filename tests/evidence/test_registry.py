"""What a registry has is only what it says that it has: whatever else happens is an error, and never "not there"."""

from __future__ import annotations

import httpx
import pytest

from evidence.registry import Credentials, Registry, RegistryError
from tests.evidence.image_registry import (
    CREDENTIALS,
    HOST,
    OCI,
    REPOSITORY,
    ImageRegistry,
    digest_of,
    manifest,
)

TAG = "staging-abc1234"


def error_of(fake: ImageRegistry, credentials: Credentials | None = None) -> str:
    with pytest.raises(RegistryError) as caught:
        fake.registry(credentials).digest(TAG)
    text = str(caught.value)
    assert "\n" not in text
    assert CREDENTIALS.password not in text
    return text


def test_the_digest_of_a_tag_is_that_of_its_manifest() -> None:
    fake = ImageRegistry()
    digest = fake.keep(TAG, "a")
    fake.keep("staging-0000000", "b")
    assert fake.registry().digest(TAG) == digest == digest_of(manifest("a"))
    assert fake.registry().digest(digest) == digest


@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"])
def test_a_tag_is_missing_only_where_the_registry_says_so(code: str) -> None:
    fake = ImageRegistry(fails=httpx.Response(404, json={"errors": [{"code": code, "message": "unknown"}]}))
    assert fake.registry().digest(TAG) is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<html>no such page</html>"),
        httpx.Response(404, json={"errors": [{"code": "UNSUPPORTED"}]}),
        httpx.Response(404, json=["errors"]),
        httpx.Response(200, text="<html>sign in, please</html>", headers={"Content-Type": "text/html"}),
        httpx.Response(200, json={}, headers={"Content-Type": "application/json"}),
        httpx.Response(429, json={"errors": [{"code": "TOOMANYREQUESTS"}]}),
        httpx.Response(500, json={"errors": [{"code": "MANIFEST_UNKNOWN"}]}),
        httpx.Response(503),
    ],
)
def test_an_answer_that_is_not_that_of_a_registry_is_an_error(answer: httpx.Response) -> None:
    text = error_of(ImageRegistry(fails=answer))
    assert f"the registry {HOST} answers GET /v2/team/release-manager/manifests/{TAG}" in text
    assert str(answer.status_code) in text
    assert "image.repository" in text


@pytest.mark.parametrize("error", [httpx.ConnectError("Connection refused"), httpx.ReadTimeout("timed out")])
def test_a_registry_that_does_not_answer_is_an_error(error: Exception) -> None:
    text = error_of(ImageRegistry(fails=error))
    assert f"the registry {HOST} gives no answer ({error}), so it is not known what it has" in text
    assert f"image.repository ({REPOSITORY})" in text


def test_an_answer_that_is_not_what_was_asked_for_is_an_error() -> None:
    fake = ImageRegistry(fails=httpx.Response(200, content=manifest("b"), headers={"Content-Type": OCI}))
    with pytest.raises(RegistryError, match=r"answers sha256:[0-9a-f]{64} with something else"):
        fake.registry().digest(digest_of(manifest("a")))


@pytest.mark.parametrize("sign_in", ["basic", "bearer"])
def test_it_signs_in_as_the_registry_asks(sign_in: str) -> None:
    fake = ImageRegistry(sign_in)
    digest = fake.keep(TAG, "a")
    assert fake.registry(CREDENTIALS).digest(TAG) == digest
    assert "Authorization" not in fake.requests[0].headers, "a password is sent only where it is asked for"


def test_anybody_may_pull_where_the_registry_lets_anybody() -> None:
    fake = ImageRegistry("bearer", anybody=True)
    digest = fake.keep(TAG, "a")
    assert fake.registry().digest(TAG) == digest
    with pytest.raises(RegistryError, match=f"does not let this stack push to {REPOSITORY}"):
        fake.registry().retag(digest, "prod-abc1234")
    assert "prod-abc1234" not in fake.tags


@pytest.mark.parametrize("sign_in", ["basic", "bearer"])
@pytest.mark.parametrize("credentials", [None, Credentials("release", "wrong")])
def test_a_sign_in_that_is_refused_is_an_error_with_its_setting(sign_in: str, credentials: Credentials | None) -> None:
    fake = ImageRegistry(sign_in)
    fake.keep(TAG, "a")
    text = error_of(fake, credentials)
    assert f"does not let this stack pull from {REPOSITORY} (401)" in text
    assert "image.registry.username and image.registry.password" in text
    assert len(fake.requests) <= 3, "it is tried once"


def test_a_password_is_not_sent_where_others_can_read_it() -> None:
    fake = ImageRegistry("bearer", realm="http://tokens.internal/token?account=ci")
    error_of(fake, CREDENTIALS)
    assert fake.requests[1].url.host == "tokens.internal"
    assert all("Authorization" not in request.headers for request in fake.requests)


def test_a_password_is_not_part_of_what_is_printed() -> None:
    assert CREDENTIALS.password not in repr(CREDENTIALS)


def test_another_tag_names_the_same_manifest_byte_for_byte() -> None:
    fake = ImageRegistry("bearer")
    digest = fake.keep(TAG, "a")
    for _ in range(2):
        fake.registry(CREDENTIALS).retag(digest, "prod-abc1234")
    assert fake.tags == {TAG: digest, "prod-abc1234": digest}
    assert list(fake.manifests) == [digest]


def test_a_digest_that_the_registry_has_lost_gets_no_tag() -> None:
    fake = ImageRegistry()
    with pytest.raises(RegistryError, match="the registry no longer has"):
        fake.registry().retag(digest_of(manifest("a")), "prod-abc1234")
    assert fake.tags == {}


def test_a_tag_that_did_not_come_to_stand_is_an_error() -> None:
    fake = ImageRegistry(deaf=True)
    digest = fake.keep(TAG, "a")
    with pytest.raises(RegistryError, match=f"prod-abc1234 is None after it was set to {digest}"):
        fake.registry().retag(digest, "prod-abc1234")


@pytest.mark.parametrize(
    ("host", "scheme"),
    [
        ("localhost:5000", "http"),
        ("127.0.0.1:5000", "http"),
        ("localhost", "http"),
        ("registry.internal", "https"),
        ("registry.internal:5000", "https"),
        ("localhost.example", "https"),
    ],
)
def test_plain_http_is_spoken_to_this_machine_only(host: str, scheme: str) -> None:
    fake = ImageRegistry()
    digest = fake.keep(TAG, "a")
    assert fake.registry(repository=f"{host}/team/release-manager").digest(TAG) == digest
    assert str(fake.requests[0].url).startswith(f"{scheme}://{host}/v2/")


@pytest.mark.parametrize("repository", ["release-manager", "team/release-manager", "localhost"])
def test_a_repository_without_a_registry_is_refused(repository: str) -> None:
    with pytest.raises(RegistryError, match=r"names no registry .* registry\.example/release-manager"):
        Registry(repository, None)


def test_a_redirect_to_another_host_is_followed_without_the_password() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host == HOST:
            if "Authorization" not in request.headers:
                return httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="r"'})
            return httpx.Response(307, headers={"Location": "https://store.internal/blob"})
        return httpx.Response(200, content=manifest("a"), headers={"Content-Type": OCI})

    seen: list[httpx.Request] = []
    with Registry(REPOSITORY, CREDENTIALS, transport=httpx.MockTransport(answer)) as registry:
        assert registry.digest(TAG) == digest_of(manifest("a"))
    assert seen[-1].url.host == "store.internal"
    assert "Authorization" not in seen[-1].headers
