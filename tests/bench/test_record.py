"""The long record that pages are measured on: it is what it says, its guards are back, and every page answers."""

import pytest
from django.db import Error as DatabaseFault
from django.db import connection, transaction

from accounts.models import Device, Person
from audit import clock
from audit.models import AuditEvent, AuditListed
from bench.works import planting, record
from tests.conftest import Installation

ROWS = 16_000


def _indexes() -> list[str]:
    with connection.cursor() as cursor:
        found = [connection.introspection.get_constraints(cursor, table) for table in ("audit_event", "audit_listed")]
    return sorted(name for one in found for name, told in one.items() if told["index"])


@pytest.mark.slow
@pytest.mark.both_databases
def test_what_is_planted_has_its_indexes_and_guards_and_every_page_answers(installation: Installation) -> None:
    before, there = _indexes(), AuditEvent.objects.count()
    person, device = Person.objects.get(username="radiologist"), Device.objects.get(ae_title="CT_ONE")
    first_us = round(clock.now() * 1_000_000)
    planting.plant(ROWS, first_us, f"person:{person.pk}", f"device:{device.pk}")
    assert AuditEvent.objects.count() == there + ROWS
    assert AuditListed.objects.count() == ROWS // 8 * 3
    assert _indexes() == before
    with pytest.raises(DatabaseFault), transaction.atomic():
        AuditEvent.objects.filter(log=1, seq=there + 9).update(outcome="denied")
    with pytest.raises(DatabaseFault), transaction.atomic():
        AuditEvent.objects.filter(log=1, seq=there + 9).delete()
    times = list(AuditEvent.objects.order_by("log", "seq").values_list("time_us", flat=True))
    assert times == sorted(times)
    measured = list(record.measure(times=1, rows=ROWS))
    assert len(measured) == len(record.pages(ROWS)) + 1
