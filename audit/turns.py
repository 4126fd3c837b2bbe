"""Whose turn it is to write the log, and how long anybody waits for it; and what one process does alone.

SQLite: every transaction begins IMMEDIATE, so whoever writes has the turn already. Postgres: an advisory lock that
ends with the transaction. Nobody waits for ever: a log that cannot be reached is a log that cannot be written.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from audit import tables
from audit.tables import Head

SHORT_PATIENCE_MS = 250
PATIENCE_MS = 3_000
LONG_PATIENCE_MS = 20_000


def take(patience_ms: int = LONG_PATIENCE_MS) -> Head | None:
    """Take the turn inside the caller's transaction; it is given back when that ends. Raises DatabaseError.

    Returns the newest row of the log, or None while it has none.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("The log is written inside a transaction.")
    if connection.vendor != "postgresql":
        return tables.head()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_turn(%s, 'on')", [str(int(patience_ms))])
        return tables.read_head(cursor.fetchone())


@contextmanager
def patience(milliseconds: int) -> Iterator[None]:
    """Let a transaction begun inside wait this long for SQLite's one writer; Postgres is told by `take`."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    usual = int(1000 * connection.settings_dict["OPTIONS"].get("timeout", 5))
    _busy_timeout(milliseconds)
    try:
        yield
    finally:
        if connection.connection is not None:
            _busy_timeout(usual)


def _busy_timeout(milliseconds: int) -> None:
    connection.connection.execute(f"PRAGMA busy_timeout = {int(milliseconds)}")


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether this process is the only one of the installation that does what `name` says, until the block ends.

    Nobody waits for another one: who is not alone is told so. The turn ends with its process or its connection.
    """
    with (_alone_on_postgres if connection.vendor == "postgresql" else _alone_on_disk)(name) as mine:
        yield mine


@contextmanager
def _alone_on_postgres(name: str) -> Iterator[bool]:
    number = int.from_bytes(name.encode("ascii"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@contextmanager
def _alone_on_disk(name: str) -> Iterator[bool]:
    descriptor = os.open(Path(settings.PACS_DATA_DIR) / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)
