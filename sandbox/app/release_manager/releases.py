"""What can be done with releases: database first, then the cache is told, then the message queue."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from release_manager.cache import Cache
from release_manager.database import Database
from release_manager.message_queue import Event
from release_manager.metrics import Metrics
from release_manager.models import APPROVED, APPROVED_EVENT, CREATED_EVENT, PENDING, Release, ReleaseEvent
from release_manager.views import Approval, NewRelease, ReleaseList, ReleaseView


class ReleaseNotFoundError(LookupError):
    """There is no release with that id."""


class ReleaseConflictError(ValueError):
    """The release is not in the state that the request supposes."""


@dataclass(frozen=True)
class ReleaseListBody:
    """The list of releases as JSON, and whether it came from the cache."""

    body: bytes
    from_cache: bool


class Releases:
    """All operations; each is one transaction. A database that is out of reach raises SQLAlchemyError."""

    def __init__(self, *, database: Database, cache: Cache, publish: Callable[[Event], None], metrics: Metrics) -> None:
        self._database = database
        self._cache = cache
        self._publish = publish
        self._metrics = metrics

    def create(self, new: NewRelease) -> ReleaseView:
        """Create a pending release. Raises ReleaseConflictError when its version is taken."""
        try:
            with self._database.session() as session:
                release = Release(version=new.version, notes=new.notes)
                release.events.append(ReleaseEvent(kind=CREATED_EVENT))
                session.add(release)
                session.flush()
                view = ReleaseView.model_validate(release)
        except IntegrityError:
            raise ReleaseConflictError(f"a release with the version {new.version!r} exists already") from None
        self._cache.forget_all()
        self._publish(Event(CREATED_EVENT, view.id, view.version, None, view.created_at))
        return view

    def newest(self, limit: int) -> ReleaseListBody:
        """Return the newest releases, `limit` at most."""
        name = f"releases:{limit}"
        lookup = self._cache.look_up(name)
        if lookup and lookup.body is not None:
            self._metrics.cache_hits.inc()
            return ReleaseListBody(lookup.body, from_cache=True)
        self._metrics.cache_misses.inc()
        newest_first = select(Release).order_by(Release.created_at.desc(), Release.id.desc()).limit(limit)
        with self._database.session() as session:
            views = [ReleaseView.model_validate(release) for release in session.scalars(newest_first)]
        body = ReleaseList(releases=views).model_dump_json().encode()
        if lookup:
            self._cache.store(name, body, lookup)
        return ReleaseListBody(body, from_cache=False)

    def get(self, release_id: int) -> ReleaseView:
        """Return one release. Raises ReleaseNotFoundError."""
        with self._database.session() as session:
            return ReleaseView.model_validate(_found(session.get(Release, release_id), release_id))

    def approve(self, release_id: int, approval: Approval) -> ReleaseView:
        """Approve a release. Raises ReleaseNotFoundError, or ReleaseConflictError when it is approved already."""
        now = datetime.now(UTC)
        approver = approval.approver
        with self._database.session() as session:
            # Locked: of two approvers at the same moment the second has to see the first.
            release = _found(session.get(Release, release_id, with_for_update=True), release_id)
            if release.status != PENDING:
                raise ReleaseConflictError(f"release {release_id} is approved already, by {release.approved_by}")
            release.status = APPROVED
            release.approved_by = approver
            release.approved_at = now
            event = ReleaseEvent(release_id=release_id, kind=APPROVED_EVENT, actor=approver, happened_at=now)
            session.add(event)
            view = ReleaseView.model_validate(release)
        self._cache.forget_all()
        self._publish(Event(APPROVED_EVENT, view.id, view.version, approver, now))
        return view

    def delete(self, release_id: int) -> None:
        """Remove a release and its audit trail. Raises ReleaseNotFoundError."""
        with self._database.session() as session:
            session.delete(_found(session.get(Release, release_id), release_id))
        self._cache.forget_all()


def _found(release: Release | None, release_id: int) -> Release:
    if release is None:
        raise ReleaseNotFoundError(f"there is no release {release_id}")
    return release
