"""The API: what it answers, what it refuses, and that the list never shows an old state."""

import json

import pytest
from release_manager.cache import GENERATION_KEY

from tests.app.running_app import Running


async def test_a_release_is_created_read_listed_approved_and_removed(app: Running) -> None:
    created = await app.client.post("/releases", json={"version": "v2026.01.02", "notes": "first"})
    assert created.status_code == 201
    release = created.json()
    assert release["status"] == "pending"
    assert created.headers["location"] == f"/releases/{release['id']}"
    assert (await app.client.get(created.headers["location"])).json()["notes"] == "first"

    approved = await app.client.post(f"/releases/{release['id']}/approve", json={"approver": "Ann"})
    assert approved.status_code == 200
    assert (approved.json()["status"], approved.json()["approved_by"]) == ("approved", "Ann")
    assert approved.json()["approved_at"]

    assert (await app.client.delete(f"/releases/{release['id']}")).status_code == 204
    assert (await app.client.get(f"/releases/{release['id']}")).status_code == 404


async def test_the_list_has_the_newest_first_and_keeps_to_its_limit(app: Running) -> None:
    for version in ("v1", "v2", "v3"):
        await app.create(version)
    listed = (await app.client.get("/releases?limit=2")).json()["releases"]
    assert [each["version"] for each in listed] == ["v3", "v2"]


async def test_the_list_is_cached_and_hits_and_misses_are_counted(app: Running) -> None:
    first, second = await app.client.get("/releases"), await app.client.get("/releases")
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.content == second.content
    assert await app.metric("release_manager_cache_hits_total") == 1
    assert await app.metric("release_manager_cache_misses_total") == 1


async def test_every_write_shows_in_the_next_list(app: Running) -> None:
    async def statuses() -> list[str]:
        return [each["status"] for each in (await app.client.get("/releases")).json()["releases"]]

    assert await statuses() == []
    release_id = await app.create("v1")
    assert await statuses() == ["pending"]
    await app.client.post(f"/releases/{release_id}/approve", json={"approver": "Ann"})
    assert await statuses() == ["approved"]
    await app.client.delete(f"/releases/{release_id}")
    assert await statuses() == []


async def test_a_list_that_was_read_before_a_write_and_stored_after_it_is_not_served(app: Running) -> None:
    await app.client.get("/releases")
    key, stale = next((key, value) for key, value in app.store.values.items() if key != GENERATION_KEY)
    await app.create("v1")
    app.store.values[key] = stale
    answer = await app.client.get("/releases")
    assert answer.headers["x-cache"] == "miss"
    assert len(answer.json()["releases"]) == 1


async def test_a_cache_that_is_away_fails_no_request(app: Running) -> None:
    app.store.away = True
    await app.create("v1")
    answer = await app.client.get("/releases")
    assert (answer.status_code, answer.headers["x-cache"]) == (200, "miss")
    assert await app.metric('release_manager_dependency_failures_total{dependency="cache"}') >= 1
    assert await app.metric('release_manager_errors_total{type="internal"}') == 0


async def test_creation_and_approval_are_published_in_their_order(app: Running) -> None:
    release_id = await app.create("v1")
    await app.client.post(f"/releases/{release_id}/approve", json={"approver": "Ann"})
    await app.client.get("/health")  # its check of the queue is answered after the events before it
    assert [kind for kind, _ in app.broker.events] == ["release.created", "release.approved"]
    body = json.loads(app.broker.events[1][1])
    assert (body["release_id"], body["version"], body["actor"]) == (release_id, "v1", "Ann")


async def test_a_broker_that_is_away_fails_no_request(app: Running) -> None:
    app.broker.away = True
    assert await app.create("v1") > 0


async def test_an_unknown_release_is_404_and_says_which(app: Running) -> None:
    for method, path in (("GET", "/releases/7"), ("DELETE", "/releases/7"), ("POST", "/releases/7/approve")):
        answer = await app.client.request(method, path, json={"approver": "Ann"} if method == "POST" else None)
        assert (answer.status_code, answer.json()) == (404, {"detail": "there is no release 7"})


async def test_a_version_is_taken_once_and_a_release_is_approved_once(app: Running) -> None:
    release_id = await app.create("v1")
    again = await app.client.post("/releases", json={"version": "v1"})
    assert (again.status_code, again.json()["detail"]) == (409, "a release with the version 'v1' exists already")
    path = f"/releases/{release_id}/approve"
    assert (await app.client.post(path, json={"approver": "Ann"})).status_code == 200
    second = await app.client.post(path, json={"approver": "Bob"})
    assert (second.status_code, second.json()["detail"]) == (409, f"release {release_id} is approved already, by Ann")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/releases", b"{}", "version"),
        ("/releases", b'{"version": ""}', "version"),
        ("/releases", b'{"version": "a b"}', "version"),
        ("/releases", b'{"version": "\\ud800"}', "version"),
        ("/releases", b'{"version": "v1", "notes": "\\u0000"}', "notes"),
        ("/releases", b'{"version": "v1", "note": "misspelt"}', "note"),
        ("/releases/1/approve", b'{"approver": "  "}', "approver"),
        ("/releases/2147483648/approve", b'{"approver": "Ann"}', "release_id"),
    ],
)
async def test_bad_input_is_422_and_names_the_field(app: Running, path: str, body: bytes, field: str) -> None:
    answer = await app.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert field in answer.json()["detail"][0]["loc"]
