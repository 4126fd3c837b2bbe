"""A device is its AE title at its address, and only while it is active."""

import pytest

from accounts import devices, failures, identify, refused_devices
from accounts.errors import Unacceptable
from accounts.models import Device, Group
from accounts.policy import Permission

pytestmark = pytest.mark.usefixtures("installation")


@pytest.mark.parametrize("title", ["CT_ONE", "CT_ONE          ", " CT_ONE"])
def test_a_known_title_at_its_address_is_found_and_seen(modality: Device, title: str) -> None:
    assert devices.find(title, "127.0.0.1") == modality
    assert Device.objects.get(pk=modality.pk).last_seen_at is not None


@pytest.mark.parametrize(
    ("title", "address"),
    [
        ("CT_ONE", "127.0.0.2"),
        ("CT_ONE", "::1"),
        ("CT_ONE", "not an address"),
        ("CT_ONE", ""),
        ("ct_one", "127.0.0.1"),
        ("CT_ON", "127.0.0.1"),
        ("CT_ONE\0", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("CT%", "127.0.0.1"),
    ],
)
def test_another_title_or_address_is_unknown(modality: Device, title: str, address: str) -> None:
    assert devices.find(title, address) is None
    assert Device.objects.get(pk=modality.pk).last_seen_at is None


def test_a_range_holds_its_addresses_also_in_their_mapped_form() -> None:
    device = devices.create("US_1", "10.1.2.0/24", [], ["store"])
    assert devices.find("US_1", "10.1.2.255") == device
    assert devices.find("US_1", "::ffff:10.1.2.7") == device
    assert devices.find("US_1", "10.1.3.0") is None


def test_a_disabled_device_is_unknown_and_may_nothing(modality: Device) -> None:
    devices.set_active(modality, active=False)
    assert devices.find("CT_ONE", "127.0.0.1") is None
    modality.refresh_from_db()
    actor = identify.device_actor(modality, "127.0.0.1", "CT_ONE")
    assert not actor.verified
    assert not actor.permissions


def test_a_device_may_what_its_services_need_and_no_more() -> None:
    def allowed(*may: str) -> frozenset[Permission]:
        device = devices.create(f"D{len(may)}{may[0]}", "10.0.0.1", [], may)
        return identify.device_actor(device, "10.0.0.1", device.ae_title).permissions

    assert allowed("store") == {Permission.STUDY_STORE}
    assert allowed("find") == {Permission.STUDY_SEARCH}
    assert allowed("move", "commit") == {Permission.STUDY_SEARCH, Permission.STUDY_VIEW, Permission.STUDY_STORE}


def test_numbers_of_patients_are_the_devices_own_unless_an_issuer_is_shared() -> None:
    own = devices.create("A", "10.0.0.1")
    shared = devices.create("B", "10.0.0.1", issuer="HOSPITAL")
    assert identify.device_actor(own, "10.0.0.1", "A").issuer == "A"
    assert identify.device_actor(shared, "10.0.0.1", "B").issuer == "HOSPITAL"


@pytest.mark.parametrize(
    ("field", "entries"),
    [
        ("ae_title", {"ae_title": ""}),
        ("ae_title", {"ae_title": "SEVENTEEN_LETTERS"}),
        ("ae_title", {"ae_title": "BACK\\SLASH"}),
        ("ae_title", {"ae_title": "ÉCHO"}),
        ("ae_title", {"ae_title": "ct_one"}),
        ("address", {"address": "10.0.0.1/8"}),
        ("address", {"address": "hospital.example"}),
        ("may", {"may": ["everything"]}),
        ("port", {"port": 70000}),
    ],
)
def test_what_cannot_be_a_device_is_refused_with_words(field: str, entries: dict[str, object]) -> None:
    given = {"ae_title": "NEW", "address": "10.0.0.1", "groups": [], "may": ["store"], "port": 104, **entries}
    with pytest.raises(Unacceptable) as refused:
        devices.create(**given)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert not Device.objects.filter(ae_title="NEW").exists()


def test_why_a_device_was_refused_stands_on_its_page(modality: Device) -> None:
    refused_devices.note(modality.id, failures.OTHER_ADDRESS, "10.0.0.9")
    modality.refresh_from_db()
    assert (modality.last_failure, modality.last_failed_from) == (failures.OTHER_ADDRESS, "10.0.0.9")


def test_groups_are_those_of_its_studies(modality: Device) -> None:
    actor = identify.device_actor(modality, "127.0.0.1", "CT_ONE")
    assert actor.audiences == (modality.id, Group.objects.get(name="Radiology").id)
