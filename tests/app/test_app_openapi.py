"""What the application's commit says of its API is what the application serves."""

import json

from tests.app.openapi import FILE, described
from tests.app.running_app import Start


def test_the_committed_document_is_the_applications_own() -> None:
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    assert committed == described(), "renew it: .venv/bin/python -m tests.app.openapi"


async def test_the_running_application_serves_it(start: Start) -> None:
    async with start() as running:
        served = (await running.client.get("/openapi.json")).json()
    assert served["paths"] == described()["paths"]
    assert "/releases/{release_id}/approve" in served["paths"]
