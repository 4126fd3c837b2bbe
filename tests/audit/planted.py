"""Ways to make the log unwritable from outside, for the length of a block."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def refused_inserts() -> Iterator[None]:
    """Plant a trigger that refuses every insert into the log."""
    body = "BEGIN SELECT RAISE(ABORT, 'planted'); END"
    if connection.vendor == "postgresql":
        body = "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER planted BEFORE INSERT ON audit_event {body}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            where = " ON audit_event" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER planted{where}")


@contextmanager
def held_lock() -> Iterator[None]:
    """Hold the database's write lock (SQLite) or the whole table (Postgres) in another thread."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE")
            held.set()
            let_go.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        let_go.set()
        thread.join()
