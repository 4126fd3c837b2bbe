"""What a lower level of search no longer shows is not there to be read either."""

import sys

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
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM FULL archive_patienttoken")
    lying = on_disk(archive.place, "archive_patienttoken")
    assert all(number in lying for number in after)
    assert [number for number in before - after if number in lying] == []
