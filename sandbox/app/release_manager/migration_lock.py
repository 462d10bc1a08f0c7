"""Makes migrations that are started together run one after the other, and bounds their waits for tables."""

import logging
from collections.abc import Callable

from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import Connection

# Any number, as long as nothing else in the database uses it.
LOCK_KEY = 7_201_984_563
LOCK_WAIT_SECONDS = 120.0
LOCK_POLL_SECONDS = 0.5
TABLE_LOCK_SECONDS = 5

SET_LOCK_TIMEOUT = f"SET lock_timeout = '{TABLE_LOCK_SECONDS}s'"
OFFLINE_LOCK_SQL = (
    f"DO $$ BEGIN IF NOT pg_try_advisory_lock({LOCK_KEY}) THEN "
    "RAISE EXCEPTION 'another migration is running'; END IF; END $$"
)
OFFLINE_UNLOCK_SQL = f"SELECT pg_advisory_unlock({LOCK_KEY})"

log = logging.getLogger(__name__)


def take_lock(connection: Connection, *, sleep: Callable[[float], None], monotonic: Callable[[], float]) -> None:
    """Take the lock of migrations for as long as the connection lives.

    Raises CommandError when another migration still holds it after 120 s. It asks again and again instead of
    waiting in the database: a statement that waits there keeps a snapshot open, CREATE INDEX CONCURRENTLY in
    the migration that holds the lock waits for that snapshot, and neither would go on.
    """
    attempt = text("SELECT pg_try_advisory_lock(:key)")
    deadline = monotonic() + LOCK_WAIT_SECONDS
    told = False
    while True:
        taken = bool(connection.scalar(attempt, {"key": LOCK_KEY}))
        connection.commit()
        if taken:
            return
        if monotonic() >= deadline:
            raise CommandError(
                f"another migration has held the lock for {LOCK_WAIT_SECONDS:.0f} s; "
                "see pg_stat_activity for its session, and run this again when it has ended"
            )
        if not told:
            log.info("another migration is running; waiting for it, %.0f s at most", LOCK_WAIT_SECONDS)
            told = True
        sleep(LOCK_POLL_SECONDS)
