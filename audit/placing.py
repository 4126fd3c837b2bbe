"""A row gets its place in the log: a number, a time, and the hash that chains it to the row before.

SQLite lives in this process, which places the rows itself. On Postgres the server does (`audit.migrations.0009_put`):
many processes write there, and whoever held the turn while rows travel would be waited for by all of them.

A transaction that does nothing but write the log need not keep the turn while the disk is at work: on Postgres it gives
the turn on as soon as it has committed, and is told of its success once the disk has flushed. Those who come meanwhile
share one flush; whatever a crash takes then, it takes from the end, and nobody was told of it.
"""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections

from audit import clock, tables, turns
from audit.rows import GENESIS, Chained, Pieces, Row, chain
from audit.tables import Head

FIRST_LOG = 1
Unplaced = tuple[Row, tuple[str, ...], Pieces]
"""A row whose log, number and time are still nought, the studies it lists, and all that is hashed but these three: made
before the turn is taken, since everybody waits for whoever has it."""

FLUSH = "SELECT pg_logical_emit_message(true, 'custos', '')"
"""Postgres flushes its journal up to a commit that wrote something, and this writes a message that nobody reads."""


def append(rows: Sequence[Unplaced], patience_ms: int) -> None:
    """Write rows behind the newest one, in the caller's transaction, which has the turn from here on.

    Raises DatabaseError; RuntimeError outside a transaction.
    """
    if not rows:
        return
    if connection.vendor != "postgresql":
        tables.insert(behind(turns.take(patience_ms), rows))
        return
    if not connection.in_atomic_block:
        raise RuntimeError("The log is written inside a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(*tables.putting(rows, _now_us(), patience_ms, "on"))


def write(rows: Sequence[Unplaced], patience_ms: int) -> None:
    """Write rows behind the newest one, in a transaction of their own, durable on return.

    Raises DatabaseError, and then nothing was written, unless it was the answer to the commit that never came.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.in_atomic_block:
        raise RuntimeError("The log is written outside the caller's transaction.")
    if not rows:
        return
    database.ensure_connection()
    with turns.patience(patience_ms), database.wrap_database_errors:
        try:
            if database.vendor == "postgresql":
                _write_on_postgres(database.connection, rows, patience_ms)
            else:
                _write_on_sqlite(database.connection, rows)
        except BaseException:
            _roll_back()
            raise


def behind(head: Head | None, rows: Sequence[Unplaced]) -> list[Chained]:
    """Number, date and chain rows behind the newest one. Time never runs backwards."""
    log, seq, previous, newest = head or (FIRST_LOG, 0, GENESIS, 0)
    time_us = max(newest, _now_us())
    chained: list[Chained] = []
    for number, (row, listed, pieces) in enumerate(rows, seq + 1):
        link = chain(row._replace(log=log, seq=number, time_us=time_us), listed, previous, pieces)
        previous = link.row
        chained.append(link)
    return chained


def _now_us() -> int:
    return round(clock.now() * 1_000_000)


def _write_on_postgres(plain: Any, rows: Sequence[Unplaced], patience_ms: int) -> None:
    """One journey. The turn is given on before the disk is waited for, so that many wait for one flush together."""
    put, values = tables.putting(rows, _now_us(), patience_ms, "off")
    with plain.cursor() as cursor:
        cursor.execute(f"BEGIN; {put}; COMMIT; {FLUSH}", values)


def _write_on_sqlite(plain: Any, rows: Sequence[Unplaced]) -> None:
    plain.execute("BEGIN IMMEDIATE")
    for statement, values in tables.each_inserting(
        behind(tables.read_head(plain.execute(tables.HEAD).fetchone()), rows)
    ):
        plain.executemany(statement, values)
    plain.execute("COMMIT")


def _roll_back() -> None:
    """Leave nothing begun on this connection; one on which that cannot be said is closed, which says it too."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql" or connection.connection.in_transaction:
                cursor.execute("ROLLBACK")
    except DatabaseError:
        connection.close()
