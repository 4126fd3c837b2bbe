"""Whose turn it is to write the log, and how long anybody waits for it; and what one process does alone.

SQLite: every transaction begins IMMEDIATE, so whoever writes has the turn already. Postgres: an advisory lock that
ends with the transaction. Nobody waits for ever: a log that cannot be reached is a log that cannot be written.

A transaction that does nothing but write the log need not keep the turn while the disk is at work: on Postgres it asks
for the flush `later`, gives the turn on as soon as it has committed, and must `flush` before it tells anybody. Those
who come meanwhile share one flush; whatever a crash takes then, it takes from the end, and nobody was told of it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

PATIENCE_MS = 3_000
LONG_PATIENCE_MS = 20_000
_LOG_LOCK = 0x637573746F73  # "custos"


def take(patience_ms: int = LONG_PATIENCE_MS, *, later: bool = False, asking: str = "") -> tuple[Any, ...] | None:
    """Take the turn inside the caller's transaction; it is given back when that ends. Raises DatabaseError.

    Returns the first row of what is `asking` once the turn is there, in the same journey to the database. With `later`
    the commit does not wait for the disk: the caller does, by `flush`.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("The log is written inside a transaction.")
    statements = [asking] if asking else []
    if connection.vendor == "postgresql":
        local = f"set_config('lock_timeout', '{int(patience_ms)}', true)"
        if later:
            local += ", set_config('synchronous_commit', 'off', true)"
        # Each statement sees the database as it is when its own time comes: what is asked, behind the lock.
        statements = [f"SELECT {local}", f"SELECT pg_advisory_xact_lock({_LOG_LOCK})", *statements]
    with connection.cursor() as cursor:
        if statements:
            cursor.execute("; ".join(statements))
        return cursor.fetchone() if asking else None


def flush() -> None:
    """Return once everything committed so far is durable, what asked for `later` too. Raises DatabaseError.

    Postgres flushes its journal up to a commit that wrote something, and this one writes a message that nobody reads.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_logical_emit_message(true, 'custos', '')")


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
