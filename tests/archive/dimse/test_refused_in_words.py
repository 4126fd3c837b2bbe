"""Each way in which a device is refused: on the wire, on record, as an alert where due, in words on its page."""

import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts import certified, devices, enrolment, failures
from accounts.models import Caller, Device, Person
from archive.dimse import admission
from archive.dimse.server import Server
from archive.models import Instance
from audit.models import Alert
from tests import builders
from tests.accounts.browsing import Browser
from tests.archive.dimse import peers
from tests.archive.dimse.secured import Shown, ended, foreign, laid, refusals
from vault import certificates

Scu = Callable[..., subprocess.CompletedProcess[str]]
CT, EXPLICIT = builders.CT_IMAGE, "1.2.840.10008.1.2.1"


@pytest.fixture
def storescu(dcmtk: Callable[[str], str], listener: Server, tmp_path: Path) -> Scu:
    """Send one slice with DCMTK over TLS, showing this or nothing."""
    (tmp_path / "one.dcm").write_bytes(builders.part10(builders.ct_slice()))

    def run(shown: Shown | None, trust: Path, calling: str = "CT_ONE") -> subprocess.CompletedProcess[str]:
        call = [dcmtk("storescu"), "-v", "-aet", calling, "-aec", "CUSTOS", "+cf", str(trust)]
        call += ["+tla"] if shown is None else ["+tls", str(shown.key), str(shown.certificate)]
        call += ["127.0.0.1", str(listener.port), str(tmp_path / "one.dcm")]
        return subprocess.run(call, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture(autouse=True)
def handled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is kept of a refusal be there when it is looked for: after a handshake the peer is told first."""
    record = admission.record_handshake
    done: list[str] = []

    def recording(address: str, words: str, code: str) -> None:
        record(address, words, code)
        done.append(code)

    monkeypatch.setattr(admission, "record_handshake", recording)
    monkeypatch.setattr("tests.archive.dimse.test_refused_in_words.HANDSHAKES", done)


HANDSHAKES: list[str] = []


def shaken() -> str:
    """Why the handshake was refused, once that has been kept."""
    deadline = time.monotonic() + 5
    while not HANDSHAKES:
        assert time.monotonic() < deadline, "no handshake was refused"
        time.sleep(0.02)
    return HANDSHAKES[0]


def failure(title: str = "CT_ONE") -> str:
    return Device.objects.get(ae_title=title).last_failure


def alerted() -> dict[str, str]:
    return dict(Alert.objects.filter(kind="device-certificate").values_list("subject", "message"))


def on_page(technologist: Person, code: str, title: str = "CT_ONE") -> bool:
    """Whether the page of the device says what happened and what to do."""
    device = Device.objects.get(ae_title=title)
    shown = Browser().sign_in(technologist).open(f"/devices/{device.id}/").content.decode()
    happened, advice = (str(words).replace("'", "&#x27;") for words in failures.words(code))
    return happened in shown and advice in shown


@pytest.mark.dcmtk
def test_no_certificate_is_told_at_the_device_of_that_address(
    storescu: Scu, shown: Shown, technologist: Person
) -> None:
    assert storescu(None, shown.authority).returncode != 0
    assert shaken() == failure() == failures.MISSING
    assert refusals() == ["no certificate was shown"]
    assert on_page(technologist, failures.MISSING)
    assert "CT_ONE" in alerted()["127.0.0.1"]


@pytest.mark.dcmtk
def test_a_certificate_of_another_authority_is_told_at_the_device_of_that_address(
    storescu: Scu, shown: Shown, tmp_path: Path, technologist: Person
) -> None:
    assert storescu(foreign(tmp_path / "foreign"), shown.authority).returncode != 0
    assert shaken() == failure() == failures.FOREIGN
    assert on_page(technologist, failures.FOREIGN)
    assert "not of our authority" in alerted()["127.0.0.1"]
    assert failure("ECHO_ONE") == "", "it never spoke TLS"


@pytest.mark.dcmtk
def test_a_certificate_that_ended_yesterday_is_told_at_the_device_that_has_it(
    storescu: Scu, secured: Device, shown: Shown, tmp_path: Path, technologist: Person
) -> None:
    old = ended(tmp_path / "ended")
    print_ = certificates.fingerprint(old.certificate.read_bytes())
    yesterday = timezone.now() - timedelta(hours=30)
    Device.objects.filter(pk=secured.pk).update(certificate=print_, certificate_ends=yesterday)
    other = devices.create("OTHER_CT", "127.0.0.1", may=["store"])
    enrolment.enrol(other)
    assert storescu(old, shown.authority).returncode != 0
    assert shaken() == failure() == failures.ENDED
    assert failure("OTHER_CT") == ""
    assert on_page(technologist, failures.ENDED)
    assert "has ended" in alerted()["127.0.0.1"]
    secured.refresh_from_db()
    assert certified.standing(secured, timezone.now()).words == "It ended 1 day ago."


@pytest.mark.dcmtk
def test_the_right_certificate_under_another_known_title_is_told_at_both(
    storescu: Scu, shown: Shown, technologist: Person
) -> None:
    devices.create("OTHER_CT", "127.0.0.1", may=["store"])
    assert "Rejected" in storescu(shown, shown.authority, "OTHER_CT").stderr
    assert failure("OTHER_CT") == failures.OF_ANOTHER
    assert failure() == failures.ELSEWHERE
    assert on_page(technologist, failures.ELSEWHERE)
    assert sorted(alerted()) == ["CT_ONE", "OTHER_CT"]


@pytest.mark.dcmtk
def test_the_right_certificate_under_an_unknown_title_is_told_at_its_owner_alone(storescu: Scu, shown: Shown) -> None:
    for number in range(3):
        assert "Rejected" in storescu(shown, shown.authority, f"STRANGER{number}").stderr
    assert failure() == failures.ELSEWHERE
    assert sorted(alerted()) == ["CT_ONE"]


@pytest.mark.dcmtk
def test_the_right_certificate_from_another_address_is_told(
    storescu: Scu, shown: Shown, secured: Device, technologist: Person
) -> None:
    Device.objects.filter(pk=secured.pk).update(address="10.9.8.0/24")
    assert "Rejected" in storescu(shown, shown.authority).stderr
    assert failure() == failures.OTHER_ADDRESS
    assert on_page(technologist, failures.OTHER_ADDRESS)
    assert sorted(alerted()) == ["CT_ONE"]


@pytest.mark.dcmtk
def test_an_older_certificate_of_its_own_is_told(
    storescu: Scu, shown: Shown, secured: Device, tmp_path: Path, technologist: Person
) -> None:
    new = laid(tmp_path / "new", enrolment.enrol(secured))
    assert "Rejected" in storescu(shown, shown.authority).stderr
    assert failure() == failures.NOT_ENROLLED
    assert on_page(technologist, failures.NOT_ENROLLED)
    assert sorted(alerted()) == ["CT_ONE"]
    assert storescu(new, shown.authority).returncode == 0
    assert Instance.objects.count() == 1


def test_clear_text_of_a_device_with_a_certificate_is_told(scp: Server, shown: Shown) -> None:
    assert not peers.echoes(scp.port)
    assert failure() == failures.IN_THE_CLEAR
    assert sorted(alerted()) == ["CT_ONE"]


def test_a_title_that_is_not_ours_is_told(scp: Server, technologist: Person) -> None:
    assert not peers.echoes(scp.port, called="ELSEWHERE")
    assert failure() == failures.CALLED
    assert on_page(technologist, failures.CALLED)
    assert alerted() == {}


def test_several_titles_of_ours_are_answered(scp: Server, settings: Any) -> None:
    settings.PACS_AE_TITLES = ["CUSTOS", "ARCHIVE"]
    assert peers.echoes(scp.port, called="ARCHIVE")
    assert peers.echoes(scp.port, called="CUSTOS")
    assert not peers.echoes(scp.port, called="archive")


def test_a_disabled_device_is_told(scp: Server, modality: Device, technologist: Person) -> None:
    devices.set_active(modality, active=False)
    assert not peers.echoes(scp.port)
    assert failure() == failures.DISABLED
    assert on_page(technologist, failures.DISABLED)


def test_a_service_that_it_may_not_use_is_told(scp: Server, modality: Device, technologist: Person) -> None:
    devices.edit(modality, "127.0.0.1", list(modality.groups.all()), [], None)
    with peers.associated(scp.port, [(CT, [EXPLICIT])]) as association:
        assert not association.is_established or not association.accepted_contexts
    assert failure() == failures.SERVICE
    assert on_page(technologist, failures.SERVICE)


def test_a_class_that_is_not_taken_from_it_is_told(scp: Server, modality: Device, technologist: Person) -> None:
    Device.objects.filter(pk=modality.pk).update(sop_classes=["1.2.840.10008.5.1.4.1.1.4"])
    with peers.associated(scp.port, [(CT, [EXPLICIT])]) as association:
        assert not association.is_established or not association.accepted_contexts
    assert failure() == failures.SOP_CLASS
    assert on_page(technologist, failures.SOP_CLASS)


def test_plain_dicom_from_a_network_that_is_not_listed_is_told(
    scp: Server, modality: Device, monkeypatch: pytest.MonkeyPatch, technologist: Person
) -> None:
    monkeypatch.setattr("archive.dimse.admission.plain_allowed", lambda _address: False)
    assert not peers.echoes(scp.port)
    assert failure() == failures.NETWORK
    assert on_page(technologist, failures.NETWORK)


def test_a_stranger_is_listed_and_told_at_no_device(scp: Server) -> None:
    assert not peers.echoes(scp.port, calling="STRANGER")
    row = Caller.objects.get()
    assert (row.ae_title, row.address, row.called, row.failure) == ("STRANGER", "127.0.0.1", "CUSTOS", failures.CALLING)
    assert not Device.objects.exclude(last_failure="").exists()


def test_no_title_of_one_who_fails_again_and_again_costs_a_write_each_time(
    scp: Server, modality: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices.set_active(modality, active=False)
    assert not peers.echoes(scp.port)
    first = Device.objects.get(pk=modality.pk).last_failed_at
    for _ in range(20):
        assert not peers.echoes(scp.port)
    assert Device.objects.get(pk=modality.pk).last_failed_at == first
