"""Storing, taking out and breaking, as the tests of the way out need it."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydicom
from django.db import connection

from accounts.actors import Actor
from archive import ingest, retrieve
from audit.models import AuditEvent
from tests import builders


@contextmanager
def broken_log() -> Iterator[None]:
    """The audit table made unwritable, as a full disk or a lost permission would."""
    table = AuditEvent._meta.db_table
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if on_sqlite:
            cursor.execute(f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'no'); END")
        else:
            cursor.execute(
                "CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END $$ LANGUAGE plpgsql;"
                f"CREATE TRIGGER broken BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no()"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER broken" if on_sqlite else f"DROP TRIGGER broken ON {table}")


def drained(pieces: Iterator[bytes], seconds: float) -> None:
    """Take what still comes, slowly; fail when it goes on for longer than it may."""
    end = time.monotonic() + seconds
    for _ in pieces:
        assert time.monotonic() < end
        time.sleep(0.3)


def series_of(sender: Actor, count: int, **attributes: Any) -> list[bytes]:
    """A stored series; the files as they were sent."""
    files = [builders.part10(ds) for ds in builders.study(count, **attributes)]
    for ticket in [ingest.submit(sender, data) for data in files]:
        ticket.result(30)
    return files


def uids(data: bytes) -> tuple[str, str, str]:
    ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    return ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID


def whole(found: retrieve.Instances) -> list[bytes]:
    return [b"".join(one.chunks) for one in found]
