"""Rows of a part on their way back into the database."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.core.management.color import no_style
from django.db import connection
from django.db.models import BinaryField, DateTimeField, Field, ForeignKey, UUIDField

from archive.backup import sections
from archive.errors import Damaged

_ROWS_A_STATEMENT = 100


class Rows:
    """The rows of one part: a table, its columns, and the values as Python has them. Raises Damaged."""

    def __init__(self, plain: bytes) -> None:
        head, _, rest = plain.partition(b"\n")
        try:
            told = orjson.loads(head)
            self.table, self.columns = str(told["table"]), [str(name) for name in told["columns"]]
            known = {field.attname: field for field in sections.section(self.table).model._meta.concrete_fields}
            self.fields = [known[name] for name in self.columns]
        except (ValueError, KeyError, TypeError):
            raise Damaged("It holds no rows of a table that this version knows.") from None
        self._lines = rest.split(b"\n") if rest else []

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for line in self._lines:
            try:
                values = orjson.loads(line)
                yield tuple(_value(field, value) for field, value in zip(self.fields, values, strict=True))
            except (ValueError, TypeError):
                raise Damaged("It holds a row that cannot be read.") from None

    def told(self) -> Iterator[dict[str, Any]]:
        """Each row by the names of its columns."""
        for row in self:
            yield dict(zip(self.columns, row, strict=True))


def insert(rows: Rows) -> int:
    """Insert the rows of a part as they were, every moment and number as it was; return how many they are."""
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in rows.fields)
    into = f"INSERT INTO {connection.ops.quote_name(rows.table)} ({names}) VALUES "  # noqa: S608 # nosec B608 # names of our own
    width = "(" + ", ".join(["%s"] * len(rows.fields)) + ")"
    values = [
        [field.get_db_prep_save(value, connection) for field, value in zip(rows.fields, row, strict=True)]
        for row in rows
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(into + width, values)
            return len(values)
        for start in range(0, len(values), _ROWS_A_STATEMENT):
            some = values[start : start + _ROWS_A_STATEMENT]
            cursor.execute(into + ", ".join([width] * len(some)), [value for row in some for value in row])
    return len(values)


def clear() -> None:
    """Remove the rows that an installation is born with; those of the record, of which there are none, stay."""
    with connection.cursor() as cursor:
        for one in sections.sections():
            if one.model._meta.app_label != "audit":
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(one.table)}")  # noqa: S608 # nosec B608 # a name of ours


def settle_sequences() -> None:
    """Let the database draw its next numbers behind those that were inserted."""
    models = [one.model for one in sections.sections()]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)


def _value(field: "Field[Any, Any]", value: Any) -> Any:
    if value is None:
        return None
    while isinstance(field, ForeignKey):
        field = field.target_field
    if isinstance(field, UUIDField):
        return UUID(value)
    if isinstance(field, BinaryField):
        return b64decode(value, validate=True)
    if isinstance(field, DateTimeField):
        return datetime.fromisoformat(value)
    return value


def encoded(table: str, columns: Sequence[str], lines: Sequence[bytes]) -> bytes:
    """A part from rows that are encoded already."""
    return b"\n".join([orjson.dumps({"table": table, "columns": list(columns)}), *lines])
