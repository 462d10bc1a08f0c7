"""The database: a bounded pool for requests, one connection of its own for checks, and query times."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, QueuePool, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

POOL_WAIT_SECONDS = 5.0
CONNECT_ARGUMENTS = {
    # A new pod has no connections yet: where the machine is busy, its first answers are late rather than errors.
    "connect_timeout": 5,
    # A peer that vanished without a word is noticed within seconds, not after TCP's own quarter of an hour.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
    "application_name": "release-manager",
    "options": "-c statement_timeout=5000",
}
_STARTED_KEY = "release_manager_query_started"


class Database:
    """Sessions for requests, and a check that neither waits for them nor takes a connection from them."""

    def __init__(self, engine: Engine, check_engine: Engine, *, pool_size: int) -> None:
        self._engine = engine
        self._check_engine = check_engine
        self.pool_size = pool_size

    @contextmanager
    def session(self) -> Generator[Session]:
        """Open a session that commits when the block ends well and rolls back when it raises."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def connections_active(self) -> int:
        """Return how many connections of the pool are in use at this moment."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def check(self) -> None:
        """Ask the database for an answer; raises SQLAlchemyError when there is none."""
        with self._check_engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def time_queries(self, observe: Callable[[float], None]) -> None:
        """Call `observe` with the seconds that each statement of a request takes."""

        def started(connection: Connection, *_arguments: Any) -> None:  # noqa: ANN401 (SQLAlchemy's own signature)
            connection.info[_STARTED_KEY] = time.perf_counter()

        def ended(connection: Connection, *_arguments: Any) -> None:  # noqa: ANN401
            observe(time.perf_counter() - connection.info.pop(_STARTED_KEY))

        event.listen(self._engine, "before_cursor_execute", started)
        event.listen(self._engine, "after_cursor_execute", ended)

    def close(self) -> None:
        """Close every idle connection."""
        self._engine.dispose()
        self._check_engine.dispose()


def connect_database(url: str, *, pool_size: int) -> Database:
    """Describe the database at `url`. Nothing is connected before the first use.

    `pool_size` is the most connections that requests hold together; the check has one more.
    """

    def engine(size: int) -> Engine:
        return create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_pre_ping=True,
            connect_args=CONNECT_ARGUMENTS,
        )

    return Database(engine(pool_size), engine(1), pool_size=pool_size)
