"""Who called and is not known: listed in bounds, adopted or blocked by people, whatever a stranger writes."""

import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import callers, devices, failures
from accounts.models import Caller, Person
from archive.dimse import admission
from archive.dimse.negotiation import Request
from audit import alerts
from audit.models import Alert, AuditEvent
from tests.accounts.browsing import Browser

pytestmark = pytest.mark.usefixtures("installation")


def called(title: str, address: str = "10.0.0.7", times: int = 1) -> None:
    for _ in range(times):
        callers.note(title, address, "CUSTOS", failures.CALLING)
    callers.flush()


def refused(title: str, address: str = "10.0.0.7") -> None:
    request = Request(1, "CUSTOS", title, b"", "", ())
    admission.record_refusal(request, address, admission.UNKNOWN_CALLING)
    callers.flush()


def test_a_caller_is_listed_at_once_and_then_counted() -> None:
    called("STRANGER", times=5)
    called("STRANGER", times=2)
    called("STRANGER", "10.0.0.8")
    rows = list(callers.listed().order_by("address").values_list("ae_title", "address", "times"))
    assert rows == [("STRANGER", "10.0.0.7", 7), ("STRANGER", "10.0.0.8", 1)]


@pytest.mark.both_databases
def test_a_hundred_thousand_titles_become_a_handful_of_rows_and_hardly_any_writing() -> None:
    began = time.monotonic()
    with CaptureQueriesContext(connection) as queries:
        for number in range(100_000):
            callers.note(f"T{number}", f"10.0.{number % 40}.7", "CUSTOS", failures.CALLING)
        callers.flush()
    assert Caller.objects.count() <= callers.MOST_ROWS + 1
    assert sum(Caller.objects.values_list("times", flat=True)) == 100_000
    elapsed = time.monotonic() - began
    assert len(queries) < 3000 * (elapsed / callers.EVERY_SECONDS + 2)
    assert elapsed < 60


def test_one_address_has_so_many_titles_and_then_one_row_for_the_others() -> None:
    for number in range(callers.MOST_OF_ONE * 3):
        called(f"T{number}")
    called("OTHER", "10.0.0.8")
    assert Caller.objects.filter(address="10.0.0.7").count() == callers.MOST_OF_ONE + 1
    assert Caller.objects.get(ae_title=callers.MANY, address="10.0.0.7").times == callers.MOST_OF_ONE * 2
    assert Caller.objects.filter(ae_title="OTHER").exists()


def test_a_full_list_counts_who_comes_later_together_and_makes_room_after_a_day() -> None:
    for number in range(callers.MOST_ROWS):
        callers.note("T", f"10.1.{number // 200}.{number % 200}", "CUSTOS", failures.CALLING)
    callers.flush()
    called("LATE")
    assert not Caller.objects.filter(ae_title="LATE").exists()
    assert Caller.objects.get(ae_title=callers.MANY, address=callers.MANY).times == 1
    oldest = Caller.objects.filter(ae_title="T").order_by("address").first()
    assert oldest is not None
    Caller.objects.filter(pk=oldest.pk).update(last_at=oldest.last_at - 2 * callers.ROOM_AFTER)
    called("LATE")
    assert Caller.objects.filter(ae_title="LATE").exists()
    assert not Caller.objects.filter(pk=oldest.pk).exists()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_stranger_writes_is_short_and_plain_on_the_page(installation: Any, title: str, other: str) -> None:
    callers.note(title, "10.0.0.9", other, failures.CALLING)
    callers.flush()
    for row in Caller.objects.all():
        for text in (row.ae_title, row.called):
            assert len(text) <= 16
            assert text.isascii()
            assert text.isprintable()
    Caller.objects.all().delete()


def test_mark_up_in_a_title_stays_text(administrator: Person) -> None:
    called("<b>hi</b>")
    shown = Browser().sign_in(administrator).open("/devices/callers/").content.decode()
    assert "&lt;b&gt;hi&lt;/b&gt;" in shown
    assert "<b>hi" not in shown


def test_adopting_fills_in_what_is_known_and_leaves_what_it_may_to_people(administrator: Person) -> None:
    called("STRANGER")
    row = Caller.objects.get()
    browser = Browser().sign_in(administrator)
    shown = browser.open(f"/devices/new/?caller={row.id}").content.decode()
    assert 'value="STRANGER"' in shown
    assert 'value="10.0.0.7"' in shown
    assert "checked" not in shown
    browser.send("/devices/new/", ae_title="STRANGER", address="10.0.0.7", may=["store"], groups=["Radiology"])
    assert devices.find("STRANGER", "10.0.0.7") is not None
    assert not Caller.objects.exists()
    assert "checked" in browser.open("/devices/new/?caller=nonsense").content.decode()


def test_a_blocked_caller_is_counted_and_neither_listed_nor_told_nor_on_record_again(administrator: Person) -> None:
    refused("STRANGER")
    browser = Browser().sign_in(administrator)
    browser.send(f"/devices/callers/{Caller.objects.get().id}/block/", blocked="yes")
    before = AuditEvent.objects.filter(action="wire:refused").count()
    alerts_before = Alert.objects.count()
    for _ in range(alerts.BURST * 2):
        refused("STRANGER")
    assert AuditEvent.objects.filter(action="wire:refused").count() == before == 1
    assert Alert.objects.count() == alerts_before
    assert not callers.listed().exists()
    assert callers.shut_out().get().times == alerts.BURST * 2 + 1
    refused("SOMEBODY")
    assert callers.listed().get().ae_title == "SOMEBODY"
    browser.send(f"/devices/callers/{callers.shut_out().get().id}/block/")
    assert callers.listed().count() == 2


def test_an_address_blocked_for_all_its_titles_stays_so_for_new_ones(administrator: Person) -> None:
    for number in range(callers.MOST_OF_ONE + 1):
        refused(f"T{number}")
    many = Caller.objects.get(ae_title=callers.MANY)
    Browser().sign_in(administrator).send(f"/devices/callers/{many.id}/block/", blocked="yes")
    rows = AuditEvent.objects.filter(action="wire:refused").count()
    refused("NEWCOMER")
    assert callers.blocked("NEWCOMER", "10.0.0.7")
    assert not callers.blocked("NEWCOMER", "10.0.0.8")
    assert not Caller.objects.filter(ae_title="NEWCOMER").exists()
    assert AuditEvent.objects.filter(action="wire:refused").count() == rows


def test_a_known_device_at_another_address_is_no_unknown_caller(modality: Any) -> None:
    refused("CT_ONE", "10.0.0.7")
    assert not Caller.objects.exists()
    modality.refresh_from_db()
    assert (modality.last_failure, modality.last_failed_from) == (failures.OTHER_ADDRESS, "10.0.0.7")


def test_calls_that_cannot_be_written_are_counted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    called("STRANGER")

    def broken(_taken: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(callers, "_write", broken)
        callers.note("STRANGER", "10.0.0.7", "CUSTOS", failures.CALLING)
        with pytest.raises(RuntimeError):
            callers.flush()
    called("STRANGER")
    assert Caller.objects.get().times == 3
