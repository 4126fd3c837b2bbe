"""Rows of models, read and written by plain statements that are made once for each model.

What is asked for the first image of every study goes this way: Django makes the text of a statement anew each time,
which takes longer than the statement. Nothing else of a model's saving is done: no signals, no relations.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any, Final, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, Model

from audit import plain

M = TypeVar("M", bound=Model)
MOST: Final = 500
"""Values that one statement names; SQLite has a bound for them."""


def select(model: type[M], column: str, values: Collection[Any], *, lock: bool = False) -> list[M]:
    """The rows whose column has one of these values, ordered by it; on PostgreSQL locked until the transaction ends.

    Raises DatabaseError.
    """
    vendor, wanted, found = connections[DEFAULT_DB_ALIAS].vendor, iter(sorted(values)), list[M]()
    names, read = _reading(model, vendor)
    table = model._meta.db_table
    while part := list(islice(wanted, MOST)):
        places = ", ".join(["%s"] * len(part))
        statement = f'SELECT {names} FROM "{table}" WHERE "{column}" IN ({places}) ORDER BY "{column}"'  # noqa: S608 # nosec B608
        statement += " FOR UPDATE" if lock and vendor == "postgresql" else ""
        found += map(read, plain.execute(statement, part).fetchall())
    return found


def insert(model: type[Model], rows: Collection[Any], *, ignore: bool = False) -> None:
    """Insert rows: the model's own, or whatever else has its columns' values under their names.

    `ignore` leaves out those that are there under the same unique values. Raises DatabaseError.
    """
    if rows:
        statement, moments, taken = _inserting(model, ignore=ignore)
        for field in moments:
            for row in rows:
                field.pre_save(row, add=True)
        plain.execute_many(statement, map(taken, rows))


def update(row: Model, names: Sequence[str]) -> None:
    """Write these columns of one row. Raises DatabaseError."""
    assigned = ", ".join(f'"{name}" = %s' for name in names)
    statement = f'UPDATE "{row._meta.db_table}" SET {assigned} WHERE "id" = %s'  # noqa: S608 # nosec B608
    plain.execute(statement, [*(getattr(row, name) for name in names), row.pk])


@cache
def _inserting(
    model: type[Model], *, ignore: bool
) -> tuple[str, "Sequence[Field[Any, Any]]", Callable[[Any], Sequence[Any]]]:
    """The statement, the columns that are filled with the moment, and what takes all values from a row."""
    given = [field for field in model._meta.concrete_fields if not field.db_returning]  # the rest says the database
    names, places = ", ".join(f'"{field.column}"' for field in given), ", ".join(["%s"] * len(given))
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({places})'  # noqa: S608 # nosec B608
    statement += " ON CONFLICT DO NOTHING" if ignore else ""
    moments = [field for field in given if getattr(field, "auto_now_add", False)]
    return statement, moments, attrgetter(*(field.attname for field in given))


@cache
def _reading(model: type[M], vendor: str) -> tuple[str, Callable[[Sequence[Any]], M]]:
    """The columns of a model, and what makes a row of their values, converted as Django converts them."""
    database, fields = connections[DEFAULT_DB_ALIAS], model._meta.concrete_fields
    names = [field.attname for field in fields]
    converters = []
    for place, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        for convert in (*database.ops.get_db_converters(column), *column.get_db_converters(database)):
            converters.append((place, convert, column))

    def read(values: Sequence[Any]) -> M:
        row, asked = list(values), connections[DEFAULT_DB_ALIAS]
        for place, convert, column in converters:
            row[place] = convert(row[place], column, asked)
        return model.from_db(DEFAULT_DB_ALIAS, names, row)

    return ", ".join(f'"{field.column}"' for field in fields), read
