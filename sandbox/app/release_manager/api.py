"""The routes of the API: create, list, read, approve and remove releases."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from release_manager.faults import Faults, InjectedError
from release_manager.releases import Releases
from release_manager.views import Approval, NewRelease, ReleaseList, ReleaseView

LARGEST_ID = 2**31 - 1
# (method, route, status when it goes well): the series that the metrics start with.
ROUTES = (
    ("POST", "/releases", 201),
    ("GET", "/releases", 200),
    ("GET", "/releases/{release_id}", 200),
    ("POST", "/releases/{release_id}/approve", 200),
    ("DELETE", "/releases/{release_id}", 204),
)

ReleaseId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def api_router(releases: Releases, faults: Faults) -> APIRouter:
    """Return the routes of the API. Only these are subject to injected errors and latency."""

    async def inject() -> None:
        delay_seconds = faults.delay_seconds()
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        if faults.fails():
            raise InjectedError("failing by FAULT_ERROR_RATE")

    router = APIRouter(dependencies=[Depends(inject)])

    @router.post("/releases", status_code=201)
    def create_release(new: NewRelease, response: Response) -> ReleaseView:
        view = releases.create(new)
        response.headers["Location"] = f"/releases/{view.id}"
        return view

    @router.get("/releases", response_model=ReleaseList)
    def list_releases(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
        newest = releases.newest(limit)
        headers = {"X-Cache": "hit" if newest.from_cache else "miss"}
        return Response(newest.body, media_type="application/json", headers=headers)

    @router.get("/releases/{release_id}")
    def get_release(release_id: ReleaseId) -> ReleaseView:
        return releases.get(release_id)

    @router.post("/releases/{release_id}/approve")
    def approve_release(release_id: ReleaseId, approval: Approval) -> ReleaseView:
        return releases.approve(release_id, approval)

    @router.delete("/releases/{release_id}", status_code=204)
    def delete_release(release_id: ReleaseId) -> None:
        releases.delete(release_id)

    return router
