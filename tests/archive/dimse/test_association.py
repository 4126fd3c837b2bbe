"""Who may associate, and what is answered to whom."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts import devices, failures
from accounts.models import Device
from archive.dimse.server import Server
from audit.models import AuditEvent
from tests import builders
from tests.archive.dimse import peers


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("seq"))


def rejection(port: int, calling: str = "CT_ONE", called: str = "CUSTOS") -> bytes:
    with peers.connect(port) as sock:
        sock.sendall(peers.request_pdu(calling=calling, called=called))
        kind, body = peers.read_pdu(sock)
    assert kind == 3, "not an A-ASSOCIATE-RJ"
    return body[1:]


def test_a_known_device_is_answered_and_on_record(scp: Server) -> None:
    assert peers.echoes(scp.port)
    (event,) = events("wire:echo")
    assert (event.outcome, event.actor_kind, event.actor_ae_title) == ("ok", "device", "CT_ONE")
    assert event.actor_address == "127.0.0.1"


@pytest.mark.parametrize(
    ("titles", "reason"),
    [
        ({"calling": "STRANGER"}, 3),
        ({"calling": "ct_one"}, 3),
        ({"called": "OTHER"}, 7),
        ({"called": "custos"}, 7),
        ({"calling": "STRANGER", "called": "OTHER"}, 7),
    ],
)
def test_strangers_and_wrong_titles_are_rejected_permanently_and_on_record(
    scp: Server, titles: dict[str, str], reason: int
) -> None:
    assert rejection(scp.port, **titles) == bytes((1, 1, reason))
    (event,) = events("wire:refused")
    assert event.actor_ae_title == titles.get("calling", "CT_ONE")
    assert event.outcome == "denied"
    assert event.actor_kind == "nobody"


def test_the_right_title_from_another_address_is_rejected_like_a_stranger(scp: Server, modality: Any) -> None:
    stranger = rejection(scp.port, calling="STRANGER")
    Device.objects.filter(pk=modality.pk).update(address="10.9.8.0/24")
    assert rejection(scp.port) == stranger
    device = Device.objects.get(pk=modality.pk)
    assert (device.last_failure, device.last_failed_from) == (failures.OTHER_ADDRESS, "127.0.0.1")


def test_a_device_that_was_switched_off_is_rejected(scp: Server, modality: Any) -> None:
    assert peers.echoes(scp.port)
    devices.set_active(modality, False)
    assert not peers.echoes(scp.port)


def _switched_off(device: Any) -> None:
    devices.set_active(device, False)


def _moved(device: Any) -> None:
    devices.edit(device, "10.9.9.9", list(device.groups.all()), device.may, device.port)


@pytest.mark.parametrize("change", [_switched_off, _moved])
def test_a_device_that_is_switched_off_or_moved_while_connected_is_aborted_at_its_next_message(
    scp: Server, modality: Any, change: Callable[[Any], None]
) -> None:
    first, second = builders.study(slices=2)
    with peers.associated(scp.port, [(builders.CT_IMAGE, ["1.2.840.10008.1.2.1"])]) as association:
        assert association.send_c_store(peers.as_file(first)).Status == 0
        change(modality)
        association.send_c_store(peers.as_file(second))
        association.join(5)
        assert association.is_aborted
    assert AuditEvent.objects.filter(action="study:store").count() == 1


def test_a_device_that_may_not_store_may_echo_but_proposes_storage_in_vain(scp: Server, modality: Any) -> None:
    Device.objects.filter(pk=modality.pk).update(may=["find"])
    proposals = [(peers.VERIFICATION, ["1.2.840.10008.1.2"]), (builders.CT_IMAGE, ["1.2.840.10008.1.2.1"])]
    with peers.associated(scp.port, proposals) as association:
        assert association.send_c_echo().Status == 0
        assert [context.abstract_syntax for context in association.rejected_contexts] == [builders.CT_IMAGE]
        assert association.rejected_contexts[0].result == 1


def test_a_device_bound_to_some_classes_proposes_others_in_vain(scp: Server, modality: Any) -> None:
    Device.objects.filter(pk=modality.pk).update(sop_classes=["1.2.840.10008.5.1.4.1.1.4"])
    proposals = [(builders.CT_IMAGE, ["1.2.840.10008.1.2.1"]), ("1.2.840.10008.5.1.4.1.1.4", ["1.2.840.10008.1.2.1"])]
    with peers.associated(scp.port, proposals) as association:
        assert [context.abstract_syntax for context in association.accepted_contexts] == ["1.2.840.10008.5.1.4.1.1.4"]


def test_what_is_not_storage_is_not_accepted_and_private_classes_are(scp: Server) -> None:
    find, private = "1.2.840.10008.5.1.4.1.2.2.1", "1.3.12.2.1107.5.9.1"
    with peers.associated(scp.port, [(find, ["1.2.840.10008.1.2"]), (private, ["1.2.840.10008.1.2"])]) as association:
        assert [context.abstract_syntax for context in association.accepted_contexts] == [private]
        assert [context.result for context in association.rejected_contexts] == [3]


def test_explicit_little_endian_is_preferred_among_uncompressed_and_the_senders_first_else(scp: Server) -> None:
    big, implicit, explicit = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
    jpeg_ls, private = "1.2.840.10008.1.2.4.80", "1.2.826.0.1.3680043.9.9"
    proposals = [
        (builders.CT_IMAGE, [implicit, explicit]),
        (builders.CT_IMAGE, [big, implicit]),
        (builders.CT_IMAGE, [jpeg_ls, explicit]),
        (builders.CT_IMAGE, [private]),
    ]
    with peers.connect(scp.port) as sock:
        sock.sendall(peers.request_pdu(proposals))
        kind, body = peers.read_pdu(sock)
    from pynetdicom.pdu import A_ASSOCIATE_AC

    accepted = A_ASSOCIATE_AC()
    accepted.decode(bytes((kind, 0)) + len(body).to_bytes(4, "big") + body)
    assert [item.result for item in accepted.presentation_context] == [0, 0, 0, 0]
    assert [str(item.transfer_syntax) for item in accepted.presentation_context] == [explicit, big, jpeg_ls, private]


def test_plain_dicom_is_refused_from_where_it_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    from ipaddress import ip_network

    from archive.dimse.admission import plain_allowed

    monkeypatch.setattr(django_settings, "PACS_DICOM_PLAIN_NETWORKS", (ip_network("10.1.0.0/16"),))
    assert plain_allowed("127.0.0.1")
    assert plain_allowed("10.1.2.3")
    assert not plain_allowed("10.2.0.1")


def test_too_many_associations_from_one_address_are_told_so_and_room_comes_back(small_scp: Server) -> None:
    proposals = [(peers.VERIFICATION, ["1.2.840.10008.1.2"])]
    with peers.associated(small_scp.port, proposals) as one, peers.associated(small_scp.port, proposals) as two:
        assert one.is_established
        assert two.is_established
        assert rejection(small_scp.port) == bytes((2, 3, 2))
    assert peers.echoes(small_scp.port)


@pytest.mark.dcmtk
def test_dcmtk_echoes_with_every_option_it_has_for_proposals(scp: Server, dcmtk: Callable[[str], str]) -> None:
    call = [dcmtk("echoscu"), "-aet", "CT_ONE", "-aec", "CUSTOS", "127.0.0.1", str(scp.port)]
    for options in ([], ["-ppc", "128"], ["-pts", "38"], ["-pdu", "4096"]):
        done = subprocess.run([*call, *options], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
    wrong = subprocess.run([*call[:2], "NOBODY", *call[3:]], capture_output=True, text=True, timeout=30)
    assert wrong.returncode != 0
    assert "Calling AE Title Not Recognized" in wrong.stderr
