"""What a lower level of search no longer shows is not there to be read either."""

import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from archive.models import PatientToken
from archive.tending import reindexing
from tests import builders
from tests.archive.keeping.conftest import on_disk
from tests.archive.tending.conftest import SHELL, Archive

pytestmark = pytest.mark.both_databases


def numbers() -> set[bytes]:
    """The tokens of patients' names as the database writes them."""
    order = "big" if connection.vendor == "sqlite" else sys.byteorder
    found = PatientToken.objects.filter(column=1).values_list("token", flat=True)
    return {number.to_bytes(8, order, signed=True) for number in found}


def test_nothing_of_the_level_before_is_left_on_the_disk(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.store(builders.ct_slice())
    before = numbers()
    monkeypatch.setattr(settings, "PACS_SEARCH", "exact")
    reindexing.run(SHELL)
    after = numbers()
    lying = emptied(archive)
    ends = time.monotonic() + 30
    # Postgres keeps dead rows for as long as anybody's snapshot, an autovacuum's too, is older than their end.
    while any(number in lying for number in before - after) and time.monotonic() < ends:
        time.sleep(0.5)
        lying = emptied(archive)
    assert all(number in lying for number in after)
    assert [number for number in before - after if number in lying] == []


def emptied(archive: Archive) -> bytes:
    """The table on disk, after the database was asked to drop what it no longer needs."""
    give_up = "PRAGMA wal_checkpoint(TRUNCATE)" if connection.vendor == "sqlite" else "VACUUM FULL archive_patienttoken"
    with connection.cursor() as cursor:
        cursor.execute(give_up)
    return on_disk(archive.place, "archive_patienttoken")
