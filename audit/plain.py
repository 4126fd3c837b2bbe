"""Statements that run for every object or event, handed straight to the database's driver.

They are as plain as they look: `%s` stands for a value, `LATER(a, b)` for the greater of two moments. What Django puts
around a statement takes longer than such a statement itself.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg2.extras import execute_batch


def execute(statement: str, values: Sequence[Any] = ()) -> Any:
    """Run one statement with ids, moments and plain values; return the driver's cursor. Raises DatabaseError."""
    database = connections[DEFAULT_DB_ALIAS]
    with database.wrap_database_errors:
        database.ensure_connection()
        cursor = database.connection.cursor()
        cursor.execute(_spelt(statement, database.vendor), _prepared(database, values))
        return cursor


def execute_many(statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run one statement for each row of values. Raises DatabaseError."""
    database = connections[DEFAULT_DB_ALIAS]
    with database.wrap_database_errors:
        database.ensure_connection()
        prepared = [_prepared(database, row) for row in rows]
        cursor, spelt = database.connection.cursor(), _spelt(statement, database.vendor)
        if database.vendor == "postgresql":
            execute_batch(cursor, spelt, prepared)  # so that not each row waits for an answer
        else:
            cursor.executemany(spelt, prepared)


def uuid(value: str | UUID) -> UUID:
    """An id as the driver gave it: SQLite has text."""
    return value if isinstance(value, UUID) else UUID(value)


def _prepared(database: Any, values: Sequence[Any]) -> Sequence[Any]:
    """Values as the driver takes them: SQLite has text for ids and moments."""
    if database.vendor != "sqlite":
        return values
    return [_TEXT[type(value)](database, value) if type(value) in _TEXT else value for value in values]


def _id(database: Any, value: UUID) -> str:
    return value.hex


def _moment(database: Any, value: datetime) -> str:
    """A moment as Django writes it in SQLite; one in UTC, as nearly all are, need not be brought there."""
    if value.tzinfo is UTC:
        return str(value.replace(tzinfo=None))
    adapted: str = database.ops.adapt_datetimefield_value(value)
    return adapted


_TEXT: Final[dict[type, Callable[[Any, Any], str]]] = {UUID: _id, datetime: _moment}


@lru_cache(maxsize=256)
def _spelt(statement: str, vendor: str) -> str:
    if vendor == "sqlite":
        return statement.replace("%s", "?").replace("LATER(", "MAX(")
    return statement.replace("LATER(", "GREATEST(")
