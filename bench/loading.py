"""Brings very many rows into the tables of an archive that nobody uses: put aside first, then sorted and inserted.

On SQLite each process puts rows aside in a file of its own, on PostgreSQL by COPY into tables without indexes. Indexes
that can be taken away come back at the end, where building them costs a fraction.
"""

import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.db.models import Model

from accounts.models import Access
from archive.models import Instance, Pack, Patient, PatientToken, Series, Study, StudyKey, StudyToken

Batch = dict[type[Model], list[Model]]

ORDERS: Final[dict[type[Model], str]] = {
    StudyKey: "created_at",
    Patient: "id",
    Study: "first_received_at",
    Series: "date, id",
    Pack: "id",
    Instance: "received_at",
    Access: "date, study_uid",
    PatientToken: '"column", token, patient_id',
    StudyToken: '"column", token, study_id',
}
"""In which order the rows of a table come, and lie in it: as they would have arrived, or as its own index has them."""


def places(folder: Path, count: int) -> list[str]:
    """Where so many processes put rows aside; made ready."""
    if connection.vendor == "sqlite":
        return [str(folder / f"{part}.sqlite3") for part in range(count)]
    with connection.cursor() as cursor:
        for model in ORDERS:
            columns = ", ".join(_columns(model))
            table = model._meta.db_table
            cursor.execute(f"CREATE UNLOGGED TABLE aside_{table} AS SELECT {columns} FROM {table} WITH NO DATA")
    return ["aside"] * count


@contextmanager
def aside(place: str) -> Iterator[Callable[[Batch], None]]:
    """What puts a batch aside, for as long as the block lasts."""
    if connection.vendor != "sqlite":
        yield _copy
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = OFF")
        raw.execute("PRAGMA synchronous = OFF")
        for model in ORDERS:
            raw.execute(f"CREATE TABLE {model._meta.db_table} ({', '.join(_columns(model))})")

        def put(batch: Batch) -> None:
            raw.execute("BEGIN")
            for model, rows in batch.items():
                statement = f"INSERT INTO {model._meta.db_table} VALUES ({', '.join('?' * len(_columns(model)))})"
                raw.executemany(statement, _values(model, rows))
            raw.execute("COMMIT")

        yield put


def brought(files: list[str]) -> None:
    """Bring everything that was put aside into the tables, whose indexes are whole when this returns."""
    if connection.vendor == "sqlite":
        name = connection.settings_dict["NAME"]
        connection.close()
        _into_sqlite(str(name), files)
    else:
        _into_postgres()


def _into_sqlite(name: str, files: list[str]) -> None:
    """Statistics are not taken: nobody takes them in an archive that runs."""
    with closing(sqlite3.connect(name, isolation_level=None)) as raw:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -2000000"):
            raw.execute(f"PRAGMA {pragma}")
        for number, file in enumerate(files):
            raw.execute(f"ATTACH ? AS part{number}", [file])
        tables = ", ".join(f"'{model._meta.db_table}'" for model in ORDERS)
        made = raw.execute(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})"
        ).fetchall()
        for index, _ in made:
            raw.execute(f'DROP INDEX "{index}"')
        for model, order in ORDERS.items():
            table, columns = model._meta.db_table, ", ".join(_columns(model))
            parts = " UNION ALL ".join(f"SELECT * FROM part{number}.{table}" for number in range(len(files)))
            raw.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM ({parts}) ORDER BY {order}")
        for _, sql in made:
            raw.execute(sql)
        raw.execute("PRAGMA journal_mode = WAL")


def _into_postgres() -> None:
    """With the statistics and the map of visible rows that the server's own care would have made."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute("SET work_mem = '1GB'")
        for model, order in ORDERS.items():
            table, columns = model._meta.db_table, ", ".join(_columns(model))
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND NOT EXISTS"
                " (SELECT 1 FROM pg_constraint WHERE conname = indexname)",
                [table],
            )
            made = cursor.fetchall()
            for index, _ in made:
                cursor.execute(f'DROP INDEX "{index}"')
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM aside_{table} ORDER BY {order}")
            cursor.execute(f"DROP TABLE aside_{table}")
            for _, sql in made:
                cursor.execute(sql)
            cursor.execute(f"VACUUM ANALYZE {table}")
    connection.close()


def _copy(batch: Batch) -> None:
    for model, rows in batch.items():
        lines = io.StringIO("\n".join("\t".join(map(_spelt, row)) for row in _values(model, rows)) + "\n")
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY aside_{model._meta.db_table} FROM STDIN", lines)


def _spelt(value: Any) -> str:
    """A value as COPY reads it."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    return value.replace("\\", "\\\\") if isinstance(value, str) else str(value)


def _fields(model: type[Model]) -> list[Any]:
    """The columns of a table but a number that the database gives."""
    return [one for one in model._meta.concrete_fields if one.get_internal_type() != "BigAutoField"]


def _columns(model: type[Model]) -> list[str]:
    return [f'"{one.column}"' for one in _fields(model)]


def _values(model: type[Model], rows: list[Model]) -> Iterator[list[Any]]:
    """Rows as the driver takes them."""
    moment = connection.ops.adapt_datetimefield_value
    text = connection.vendor == "sqlite"

    def same(value: Any) -> Any:
        return value

    kinds: dict[str, Callable[[Any], Any]] = {}
    if text:
        kinds = {"UUIDField": lambda one: one and one.hex, "DateTimeField": lambda one: one and moment(one)}
    columns = [(one.attname, kinds.get(_kind(one), same)) for one in _fields(model)]
    for row in rows:
        yield [prepare(getattr(row, name)) for name, prepare in columns]


def _kind(field: Any) -> str:
    """What a column holds; that of the key it refers to where it refers to one."""
    kind: str = (field.target_field if field.is_relation else field).get_internal_type()
    return kind
