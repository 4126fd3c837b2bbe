"""The two tables of the log as plain SQL: rows in, rows out, for SQLite and Postgres alike. Decides nothing."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from audit import plain
from audit.rows import Chained, Pieces, Row

COLUMNS = Row._fields
_UUIDS = frozenset({"id", "sitting", "details_key"})
_UUIDS_AT = tuple(COLUMNS.index(name) for name in sorted(_UUIDS))
_values = attrgetter(*COLUMNS)
_INTEGERS = frozenset({"log", "seq", "version", "time_us", "count"})
STORED = (*COLUMNS, "leaf", "row")
_PLACE = frozenset({"log", "seq", "time_us"})
_unplaced = attrgetter(*(name for name in COLUMNS if name not in _PLACE))
_PUT = f"SELECT audit_put(%s, %s, %s, %s::text[], %s::text[], {', '.join(['%s'] * (len(COLUMNS) - len(_PLACE)))})"
_NAMES = ", ".join(f'"{name}"' for name in STORED)


class Unreadable(ValueError):
    """A stored value is not of the kind that its column holds: somebody wrote past the program."""


def insert(rows: Sequence[Chained]) -> None:
    """Insert chained rows with their listed studies. Database errors pass through."""
    for table, names, values in parts(rows):
        plain.execute_many(_into(table, names) + _width(values[0]), values)


def putting(
    rows: Sequence[tuple[Row, tuple[str, ...], Pieces]], time_us: int, patience_ms: int, synchronous: str
) -> tuple[str, list[Any]]:
    """What lets Postgres take the turn, place rows and insert them (`audit.migrations.0009_put`), with all values.

    `synchronous` is `on`, or `off` for a commit that does not wait for the disk.
    """
    values: list[Any] = []
    for row, listed, pieces in rows:
        values += (str(patience_ms), synchronous, time_us, list(pieces), list(listed), *_unplaced(row))
    return "; ".join([_PUT] * len(rows)), values


def each_inserting(rows: Sequence[Chained]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Each statement that inserts these rows, as SQLite itself spells it, with the values of each of its rows."""
    for table, names, values in parts(rows):
        yield f"{_into(table, names)}({', '.join('?' * len(values[0]))})", values


def parts(rows: Sequence[Chained]) -> Iterator[tuple[str, str, list[tuple[Any, ...]]]]:
    """Each table that gets something, with its columns and the values of its rows."""
    yield "audit_event", _NAMES, [encode(row) for row in rows]
    listed = [
        (row.fields.log, row.fields.seq, position, uid) for row in rows for position, uid in enumerate(row.listed)
    ]
    if listed:
        yield "audit_listed", "log, seq, position, study_uid", listed


def _into(table: str, names: str) -> str:
    return f"INSERT INTO {table} ({names}) VALUES "  # noqa: S608 # nosec B608 # names of our own, no value among them


def _width(values: tuple[Any, ...]) -> str:
    return "(" + ", ".join(["%s"] * len(values)) + ")"


def encode(row: Chained) -> tuple[Any, ...]:
    """The parameters of one INSERT, in the order of the stored columns. SQLite keeps a UUID as 32 hex digits."""
    values = list(_values(row.fields))
    if connection.vendor == "sqlite":
        for at in _UUIDS_AT:
            if values[at] is not None:
                values[at] = values[at].hex
    return (*values, row.leaf, row.row)


HEAD = 'SELECT log, seq, "row", time_us FROM audit_event ORDER BY log DESC, seq DESC LIMIT 1'


Head = tuple[int, int, bytes, int]
"""The newest row of the log, as far as the next one is chained to it: (log, seq, row hash, time_us)."""


def head() -> Head | None:
    """The newest row, or None in an empty log."""
    return read_head(plain.execute(HEAD).fetchone())


def read_head(found: tuple[Any, ...] | None) -> Head | None:
    """What the answer to HEAD says. Raises DatabaseError when it cannot be read."""
    if not found or found[0] is None:
        return None
    if not all(isinstance(found[at], int) for at in (0, 1, 3)):
        raise DatabaseError("the newest row of the log was edited and cannot be read")
    return found[0], found[1], bytes(found[2]), found[3]


def page(log: int, after: int, limit: int, *, until: int | None = None) -> list[tuple[Any, ...]]:
    """The next stored rows of a log behind `after`, as the database has them; `decode` makes sense of each."""
    bound = "" if until is None else f"AND seq <= {int(until)} "
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_NAMES} FROM audit_event WHERE log = %s AND seq > %s {bound}ORDER BY seq LIMIT %s",  # noqa: S608 # nosec B608
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
