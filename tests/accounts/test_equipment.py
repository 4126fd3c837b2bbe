"""Which machines send as a device: taken from headers, kept in bounds, and told of when they change."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from accounts import equipment
from accounts.equipment import Headers
from accounts.models import Device, Equipment, Person
from archive import ingest, senders
from audit.models import Alert
from tests import builders, people
from tests.accounts.browsing import Browser

pytestmark = pytest.mark.usefixtures("installation")
CT = Headers("SIEMENS", "SOMATOM", "4711", "CT1", "VB20A")


def told() -> list[str]:
    return list(Alert.objects.filter(kind="equipment").values_list("message", flat=True))


def image(**headers: Any) -> Dataset:
    made = builders.ct_slice()
    for name, value in headers.items():
        setattr(made, name, value)
    return made


def sent(device: Device, **headers: Any) -> None:
    ingest.store(people.actor(device), builders.part10(image(**headers)))
    ingest.stop()


HEADERS: dict[str, Any] = {
    "Manufacturer": "SIEMENS",
    "ManufacturerModelName": "SOMATOM",
    "DeviceSerialNumber": "4711",
    "StationName": "CT1",
    "SoftwareVersions": ["VB20A", "SP1"],
}


@pytest.mark.both_databases
def test_what_headers_say_is_kept_and_a_change_is_told(modality: Device, technologist: Person) -> None:
    sent(modality, **HEADERS)
    row = Equipment.objects.get()
    assert (row.maker, row.model, row.serial, row.station, row.software) == (
        *("SIEMENS", "SOMATOM", "4711", "CT1"),
        "VB20A, SP1",
    )
    assert told() == []
    sent(modality, **{**HEADERS, "SoftwareVersions": "VB30"})
    assert told() == ["The software of CT_ONE (SIEMENS, SOMATOM, serial 4711) is now “VB30”; it was “VB20A, SP1”."]
    modality.refresh_from_db()
    assert modality.last_image_at is not None
    browser = Browser().sign_in(technologist)
    for path in (f"/devices/{modality.id}/", "/devices/equipment/"):
        shown = browser.open(path).content.decode()
        assert "VB20A, SP1 → VB30" in shown


def test_another_machine_under_the_same_title_is_told(modality: Device) -> None:
    sent(modality, **HEADERS)
    sent(modality, **{**HEADERS, "DeviceSerialNumber": "4712"})
    assert told() == ["Another machine sends as CT_ONE: SIEMENS, SOMATOM, serial 4712."]
    assert Equipment.objects.count() == 2


def test_what_a_person_sends_is_no_machine_of_a_device(technologist: Person) -> None:
    ingest.store(people.actor(technologist), builders.part10(image(**HEADERS)))
    ingest.stop()
    assert not Equipment.objects.exists()


def test_headers_without_a_name_or_a_version_tell_nothing(modality: Device) -> None:
    one = str(modality.id)
    equipment.seen(one, Headers("", "", "9", "", "1"))
    equipment.seen(one, CT)
    equipment.seen(one, CT._replace(software=""))
    assert Equipment.objects.get().software == "VB20A"
    assert told() == []


def test_two_programs_of_one_machine_are_told_of_once_a_day_and_a_later_change_again(modality: Device) -> None:
    one = str(modality.id)
    for software in ("VB20A", "DOSE 1") * 20:
        equipment.seen(one, CT._replace(software=software))
        equipment.forget()
    row = Equipment.objects.get()
    assert len(row.changes) == 1
    assert Alert.objects.get(kind="equipment").times == 1
    long_ago = (timezone.now() - timedelta(days=2)).isoformat()
    Equipment.objects.update(changes=[{**row.changes[0], "at": long_ago}])
    equipment.seen(one, CT)
    assert Alert.objects.get(kind="equipment").times == 2


def test_what_does_not_change_costs_no_question(modality: Device) -> None:
    equipment.seen(str(modality.id), CT)
    with CaptureQueriesContext(connection) as queries:
        began = time.perf_counter()
        for _ in range(10_000):
            equipment.seen(str(modality.id), CT)
        assert time.perf_counter() - began < 1
    assert len(queries) == 0


@pytest.mark.parametrize("field", ["serial", "software"])
def test_a_device_that_never_names_the_same_twice_fills_nothing(modality: Device, field: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        for number in range(5000):
            equipment.seen(str(modality.id), CT._replace(**{field: f"N{number}"}))
    assert Equipment.objects.count() <= equipment.MOST_OF_ONE
    assert all(len(row.changes) <= equipment.MOST_CHANGES for row in Equipment.objects.all())
    assert Alert.objects.filter(kind="equipment").count() == 1
    assert len(queries) < 1500


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.tuples(*(st.text(max_size=300) for _ in range(5))))
def test_whatever_headers_hold_is_kept_plain_and_short(installation: Any, values: tuple[str, ...]) -> None:
    device = Device.objects.get(ae_title="CT_ONE")
    equipment.seen(str(device.id), Headers(*values))
    for row in Equipment.objects.all():
        for text in (row.maker, row.model, row.serial, row.station, row.software):
            assert text.isprintable() or text == ""
            assert len(text) <= 200
    Equipment.objects.all().delete()
    equipment.forget()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object) -> None:
        raise DatabaseError("broken")

    monkeypatch.setattr(equipment, "seen", fails)


def test_an_object_is_stored_though_nothing_can_be_noted_of_its_sender(modality: Device, broken: None) -> None:
    stored = ingest.store(people.actor(modality), builders.part10(image(**HEADERS)))
    assert stored.status == "stored"
    again = ingest.store(people.actor(modality), builders.part10(image(**HEADERS)))
    assert again.status == "stored"
    senders.forget()
