"""The database as it is at one moment, while everybody goes on writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

_BEGIN: Final = {"sqlite": "BEGIN DEFERRED", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
APPS: Final = ("accounts", "archive", "audit", "keystore")


@contextmanager
def consistent() -> Iterator[None]:
    """Read in this block and see one moment; nobody waits for it, and it waits for nobody. Nothing may be written.

    The transaction is begun by hand, because the program's own begin as writers on SQLite.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A backup reads outside of transactions.")
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN[connection.vendor])
    try:
        yield
    finally:
        if connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")


def schema() -> dict[str, str]:
    """The last migration of each app that this database has seen."""
    applied = sorted(name for name in MigrationRecorder(connection).applied_migrations() if name[0] in APPS)
    return dict(applied)
