"""The two tables of the log as plain SQL: rows in, rows out, for SQLite and Postgres alike. Decides nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from audit.rows import Chained, Row

COLUMNS = tuple(field.name for field in fields(Row))
_UUIDS = frozenset({"id", "sitting", "details_key"})
_UUIDS_AT = tuple(COLUMNS.index(name) for name in sorted(_UUIDS))
_values = attrgetter(*COLUMNS)
_INTEGERS = frozenset({"log", "seq", "version", "time_us", "count"})
STORED = (*COLUMNS, "leaf", "row")
_NAMES = ", ".join(f'"{name}"' for name in STORED)
# Postgres takes many rows in one statement; SQLite runs one prepared statement many times.
_ROWS_A_STATEMENT = 200


class Unreadable(ValueError):
    """A stored value is not of the kind that its column holds: somebody wrote past the program."""


def insert(rows: Sequence[Chained]) -> None:
    """Insert chained rows with their listed studies. Database errors pass through."""
    _insert("audit_event", _NAMES, [encode(row) for row in rows])
    listed = [
        (row.fields.log, row.fields.seq, position, uid) for row in rows for position, uid in enumerate(row.listed)
    ]
    if listed:
        _insert("audit_listed", "log, seq, position, study_uid", listed)


def _insert(table: str, names: str, values: list[tuple[Any, ...]]) -> None:
    width = "(" + ", ".join(["%s"] * len(values[0])) + ")"
    into = f"INSERT INTO {table} ({names}) VALUES "  # noqa: S608 - names of our own, no value among them
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(into + width, values)
            return
        for start in range(0, len(values), _ROWS_A_STATEMENT):
            part = values[start : start + _ROWS_A_STATEMENT]
            cursor.execute(into + ", ".join([width] * len(part)), [value for row in part for value in row])


def encode(row: Chained) -> tuple[Any, ...]:
    """The parameters of one INSERT, in the order of the stored columns. SQLite keeps a UUID as 32 hex digits."""
    values = list(_values(row.fields))
    if connection.vendor == "sqlite":
        for at in _UUIDS_AT:
            if values[at] is not None:
                values[at] = values[at].hex
    return (*values, row.leaf, row.row)


HEAD = 'SELECT log, seq, "row", time_us FROM audit_event ORDER BY log DESC, seq DESC LIMIT 1'


def head() -> tuple[int, int, bytes, int] | None:
    """The newest row as (log, seq, row hash, time_us), or None in an empty log."""
    with connection.cursor() as cursor:
        cursor.execute(HEAD)
        return read_head(cursor.fetchone())


def read_head(found: tuple[Any, ...] | None) -> tuple[int, int, bytes, int] | None:
    """What the answer to HEAD says. Raises DatabaseError when it cannot be read."""
    if found and not all(isinstance(found[at], int) for at in (0, 1, 3)):
        raise DatabaseError("the newest row of the log was edited and cannot be read")
    return (found[0], found[1], bytes(found[2]), found[3]) if found else None


def page(log: int, after: int, limit: int, *, until: int | None = None) -> list[tuple[Any, ...]]:
    """The next stored rows of a log behind `after`, as the database has them; `decode` makes sense of each."""
    bound = "" if until is None else f"AND seq <= {int(until)} "
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_NAMES} FROM audit_event WHERE log = %s AND seq > %s {bound}ORDER BY seq LIMIT %s",  # noqa: S608
            [log, after, limit],
        )
        return list(cursor.fetchall())


def listed(log: int, first: int, last: int) -> dict[int, list[tuple[int, str]]]:
    """The listed studies of the rows `first` to `last`: {seq: [(position, study uid), …]} in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, position, study_uid FROM audit_listed WHERE log = %s AND seq BETWEEN %s AND %s "
            "ORDER BY seq, position",
            [log, first, last],
        )
        found: dict[int, list[tuple[int, str]]] = {}
        for seq, position, uid in cursor.fetchall():
            found.setdefault(seq, []).append((position, uid))
    return found


def logs() -> list[int]:
    """The numbers of the logs in this database, the oldest first; one look-up for each, not a walk over all rows."""
    found: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(log) FROM audit_event")
        while (log := cursor.fetchone()[0]) is not None:
            found.append(int(log))
            cursor.execute("SELECT max(log) FROM audit_event WHERE log < %s", [log])
    return found[::-1]


def begun_us(log: int) -> int | None:
    """When the first row of a log was written, in microseconds since 1970 (UTC); None where it has none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT time_us FROM audit_event WHERE log = %s ORDER BY seq LIMIT 1", [log])
        found = cursor.fetchone()
        return int(found[0]) if found else None


def decode(stored: Sequence[Any]) -> tuple[Row, bytes, bytes]:
    """One stored row as (row, leaf, row hash). Raises Unreadable when a value is not of its column's kind."""
    values = dict(zip(STORED, stored, strict=True))
    try:
        row = Row(**{name: _from_database(name, values[name]) for name in COLUMNS})
        return row, bytes(values["leaf"]), bytes(values["row"])
    except (TypeError, ValueError, AttributeError) as error:
        raise Unreadable(type(error).__name__) from None


def _from_database(name: str, value: Any) -> Any:
    if name in _UUIDS:
        if value is None and name != "id":
            return None
        return value if isinstance(value, UUID) else UUID(hex=value)
    if name == "details":
        if isinstance(value, str):
            raise Unreadable(name)
        return bytes(value)
    if not isinstance(value, int if name in _INTEGERS else str):
        raise Unreadable(name)
    return value


def rows(
    log: int, after: int = 0, *, until: int | None = None, step: int = 1000
) -> Iterator[tuple[tuple[Any, ...], list[tuple[int, str]]]]:
    """Every stored row of a log in order, each with its listed studies as (position, study uid).

    They are read a page at a time, so that no long read holds the database's journal.
    """
    while stored := page(log, after, step, until=until):
        shown = listed(log, stored[0][1], stored[-1][1])
        for row in stored:
            yield row, shown.get(row[1], [])
        after = stored[-1][1]
