"""Whose turn it is to write the log, and how long anybody waits for it.

SQLite: every transaction begins IMMEDIATE, so whoever writes has the turn already. Postgres: an advisory lock that
ends with the transaction. Nobody waits for ever: a log that cannot be reached is a log that cannot be written.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

PATIENCE_MS = 3_000
LONG_PATIENCE_MS = 20_000
_LOG_LOCK = 0x637573746F73  # "custos"


def take(patience_ms: int = LONG_PATIENCE_MS) -> None:
    """Take the turn inside the caller's transaction; it is given back when that ends. Raises DatabaseError."""
    if not connection.in_atomic_block:
        raise RuntimeError("The log is written inside a transaction.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(patience_ms)])
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOG_LOCK])


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
