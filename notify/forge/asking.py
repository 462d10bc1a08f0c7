"""Requests to a forge: like those to anybody who is told, but its answers may be lists, and large."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from notify.sending import Answer, NotTold, Sender, refused, seconds_in

# A page of so many comments, each as long as it may be, is about 2 MB.
PER_PAGE = 30
MOST_PAGES = 40
LARGEST_PAGE_BYTES = 8 * 1024 * 1024
TIMEOUT_SECONDS = 10.0
DEADLINE_SECONDS = 60.0
ITEMS = "items"

Json = Mapping[str, Any]
Find = Callable[[Json], bool]


@dataclass
class ForgeSender(Sender):
    """A Sender whose answers may be lists: they stand in the body under ITEMS."""

    deadline_seconds: float = DEADLINE_SECONDS

    def _ask(self, request: httpx.Request, seconds: float) -> Answer:
        answer, content = self.read(request, seconds, drips_after=TIMEOUT_SECONDS, largest=LARGEST_PAGE_BYTES)
        if len(content) > LARGEST_PAGE_BYTES:
            raise httpx.ReadTimeout("the answer has no end", request=request)
        return Answer(answer.status_code, _body(content), seconds_in(answer.headers.get("Retry-After", "")))


def _body(content: bytes) -> Json:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    if isinstance(found, list):
        return {ITEMS: [each for each in found if isinstance(each, dict)]}
    return found if isinstance(found, dict) else {}


@dataclass
class Forge:
    """The API of a forge at `api` (an address without a slash at its end), with the headers that sign in."""

    sender: ForgeSender
    api: str
    headers: Mapping[str, str]

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Return the body of the answer. Raises NotTold. What makes something new is asked once only."""
        content = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        request = httpx.Request(method, f"{self.api}{path}", headers=headers, content=content)
        sender = replace(self.sender, attempts=1) if method == "POST" else self.sender
        return sender.send(request, refused).body

    def found_or_made(self, find: Callable[[], Json | None], make: Callable[[], Json]) -> tuple[Json, bool]:
        """Return what there is, and whether it was there before, so that there is one of it and never two.

        Raises NotTold.
        """
        found = find()
        if found is not None:
            return found, True
        try:
            return make(), False
        except NotTold:
            # A request without an answer may have gone through all the same.
            found = find()
            return (make(), False) if found is None else (found, True)

    def every(self, path: str) -> Iterator[Json]:
        """Yield the items of a list that comes in pages. Raises NotTold where it has no end."""
        sign = "&" if "?" in path else "?"
        for page in range(1, MOST_PAGES + 1):
            items = self.ask("GET", f"{path}{sign}per_page={PER_PAGE}&page={page}").get(ITEMS, [])
            yield from items
            if len(items) < PER_PAGE:
                return
        raise NotTold(f"{self.sender.name}: {path} has more than {MOST_PAGES * PER_PAGE} entries; look at it by hand")

    def first(self, path: str, wanted: Find) -> Json | None:
        """Return the first item of a list that is wanted, or None. Raises NotTold."""
        return next((each for each in self.every(path) if wanted(each)), None)
