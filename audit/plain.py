"""Statements that run for every object or event, handed straight to the database's driver.

They are as plain as they look: `%s` stands for a value, which the caller gives as the driver takes it (`prepared`).
What Django puts around a statement takes longer than such a statement itself.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections


def execute(statement: str, values: Sequence[Any] = ()) -> Any:
    """Run one statement; return the driver's cursor. Raises DatabaseError."""
    database = connections[DEFAULT_DB_ALIAS]
    with database.wrap_database_errors:
        database.ensure_connection()
        cursor = database.connection.cursor()
        cursor.execute(_spelt(statement, database.vendor), values)
        return cursor


def execute_many(statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run one statement for each row of values. Raises DatabaseError."""
    database = connections[DEFAULT_DB_ALIAS]
    with database.wrap_database_errors:
        database.ensure_connection()
        database.connection.cursor().executemany(_spelt(statement, database.vendor), list(rows))


def prepared(*values: UUID | datetime | None) -> list[Any]:
    """Ids and moments as the driver takes them: SQLite has text for both."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "sqlite":
        return list(values)
    return [value.hex if isinstance(value, UUID) else value and _moment(database, value) for value in values]


def _moment(database: Any, value: datetime) -> str:
    """A moment as Django writes it in SQLite; one in UTC, as nearly all are, need not be brought there."""
    if value.tzinfo is UTC:
        return str(value.replace(tzinfo=None))
    adapted: str = database.ops.adapt_datetimefield_value(value)
    return adapted


def vendor() -> str:
    """`sqlite` or `postgresql`."""
    name: str = connections[DEFAULT_DB_ALIAS].vendor
    return name


@cache
def _spelt(statement: str, vendor: str) -> str:
    return statement.replace("%s", "?") if vendor == "sqlite" else statement
