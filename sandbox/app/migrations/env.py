"""How Alembic reaches the database.

Online, a migration waits for no table lock longer than 5 s, because every query on the table would queue up
behind it, and an advisory lock makes migrations that are started together run one after the other. Offline
(`--sql`), the same two are part of the SQL and no connection is made.
"""

import logging
import os
import sys
import time

from alembic import context
from alembic.util import CommandError
from release_manager.faults import read_migration_fault
from release_manager.json_logs import configure_logs
from release_manager.migration_lock import OFFLINE_LOCK_SQL, OFFLINE_UNLOCK_SQL, SET_LOCK_TIMEOUT, take_lock
from release_manager.models import Base
from release_manager.settings import SettingsError, read_database_url, read_version
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

READING_COMMANDS = frozenset({"current", "history", "heads", "branches", "show", "check"})
CONNECT_SECONDS = 10

log = logging.getLogger("release_manager.migrations")


def command_writes() -> bool:
    """Say whether the command that is run changes the database; True when it cannot be told."""
    command = getattr(context.config.cmd_opts, "cmd", None)
    return command is None or command[0].__name__ not in READING_COMMANDS


def run_migrations() -> None:
    """Run the migrations in the context's transaction, or fail as FAULT_MIGRATION says."""
    with context.begin_transaction():
        fault = read_migration_fault(os.environ) if command_writes() else ""
        if fault:
            raise RuntimeError(fault)
        if context.is_offline_mode():
            context.execute(OFFLINE_LOCK_SQL)
            context.execute(SET_LOCK_TIMEOUT)
        context.run_migrations()
        if context.is_offline_mode():
            context.execute(OFFLINE_UNLOCK_SQL)


def run_online() -> None:
    """Connect, take the lock, and migrate."""
    engine = create_engine(
        read_database_url(os.environ), poolclass=NullPool, connect_args={"connect_timeout": CONNECT_SECONDS}
    )
    with engine.connect() as connection:
        if command_writes():
            take_lock(connection, sleep=time.sleep, monotonic=time.monotonic)
            connection.exec_driver_sql(SET_LOCK_TIMEOUT)
            connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=False)
        run_migrations()


def run_offline() -> None:
    """Write the SQL to standard output."""
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    run_migrations()


# Standard output belongs to Alembic: it is where --sql writes.
configure_logs(version=read_version(os.environ), level="INFO", stream=sys.stderr)
try:
    if context.is_offline_mode():
        run_offline()
    else:
        run_online()
except CommandError:
    raise
except SettingsError as error:
    raise CommandError(str(error)) from error
except SQLAlchemyError as error:
    cause = getattr(error, "orig", None) or error
    statement = getattr(error, "statement", None)
    where = f" (in: {statement})" if statement else ""
    raise CommandError(f"migration failed: {' '.join(f'{cause}{where}'.split())}") from error
except Exception as error:
    log.exception("migration failed")
    raise CommandError(f"migration failed: {type(error).__name__}: {error}") from error
