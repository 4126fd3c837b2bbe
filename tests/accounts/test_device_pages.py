"""The page of a device: what it tells, to whom, and the one answer that ever holds a device's key."""

import base64
import re
import subprocess
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts import called_by, certified, devices, enrolment, failures, handing_over, refused_devices
from accounts.models import Device, Person, Session
from archive import ingest, pace
from audit import log
from audit.models import AuditEvent
from tests import builders, people
from tests.accounts.browsing import Browser
from vault import certificates

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture(autouse=True)
def settled(settings: Any, installation: Any) -> None:
    settings.PACS_SECRETS_DIR = installation.root


def page(who: Person, device: Device) -> str:
    return Browser().sign_in(who).open(f"/devices/{device.id}/").content.decode()


def test_a_technologist_reads_how_a_device_is_and_is_offered_no_change(technologist: Person, modality: Device) -> None:
    ingest.store(people.actor(modality), builders.part10(builders.ct_slice()))
    refused_devices.note(modality.id, failures.OTHER_ADDRESS, "10.0.0.9")
    shown = page(technologist, modality)
    assert str(failures.words(failures.OTHER_ADDRESS).happened) in shown
    assert "from 10.0.0.9" in shown
    assert "1, or 0 an hour; 1 in the busiest hour" in shown
    assert "Send an echo" in shown
    for act in ("enrol", "revoke", "active"):
        assert f"/{act}/" not in shown
    assert 'name="address"' not in shown


def test_the_pace_counts_this_senders_images_of_the_last_day(technologist: Person, modality: Device) -> None:
    other = Device.objects.get(ae_title="ECHO_ONE")
    for image in builders.study(slices=3):
        ingest.store(people.actor(modality), builders.part10(image))
    ingest.store(people.actor(other), builders.part10(builders.ct_slice()))
    sent = pace.of(people.actor(technologist), "CT_ONE")
    assert (sent.past_day, sent.busiest, sent.today) == (3, 3, 3)
    assert pace.of(people.actor(technologist), "NOBODY") == pace.Pace(0, 0, 0, None)


def test_a_certificate_is_told_of_in_days(modality: Device) -> None:
    now = timezone.now()
    told = []
    for days in (100.5, 30, 1.5, 0.5, -0.5, -1.5, -5.5):
        modality.certificate_ends = now + timedelta(days=days)
        told.append(certified.standing(modality, now))
    assert [one.tone for one in told] == ["ok", "warn", "warn", "warn", "bad", "bad", "bad"]
    assert [one.words for one in told] == [
        "It lasts 100 more days.",
        "It lasts 30 more days.",
        "It lasts 1 more day.",
        "It ends within a day.",
        "It ended within the last day.",
        "It ended 1 day ago.",
        "It ended 5 days ago.",
    ]


def _enrolled(administrator: Person, modality: Device) -> tuple[Browser, str, Any]:
    browser = Browser().sign_in(administrator)
    answer = browser.send(f"/devices/{modality.id}/enrol/")
    return browser, answer.content.decode(), answer


def test_enrolling_offers_key_and_certificate_once_and_keeps_neither(
    administrator: Person, modality: Device, tmp_path: Path, installation: Any
) -> None:
    browser, shown, answer = _enrolled(administrator, modality)
    assert answer.headers["Cache-Control"] == "no-store"
    password = re.findall(r'id="password">([^<]+)<', shown)[0]
    sealed, zipped = (base64.b64decode(one) for one in re.findall(r"base64,([^\"]+)\"", shown)[:2])
    (tmp_path / "ct.p12").write_bytes(sealed)
    opened = subprocess.run(
        ["openssl", "pkcs12", "-in", str(tmp_path / "ct.p12"), "-passin", f"pass:{password}", "-nodes"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with zipfile.ZipFile(BytesIO(zipped)) as archive:
        key, certificate = archive.read("key.pem"), archive.read("certificate.pem")
    modality.refresh_from_db()
    assert certificates.fingerprint(certificate) == modality.certificate
    assert key.decode().strip() in opened
    assert opened.count("BEGIN CERTIFICATE") == 2
    again = browser.open(f"/devices/{modality.id}/").content.decode()
    assert password not in again
    assert "base64" not in again.replace(called_by.settings_of(modality).picture, "")
    secret = key.splitlines()[1]
    kept = [path for path in installation.root.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert kept == []


def test_a_wrong_password_opens_no_bundle(modality: Device, tmp_path: Path) -> None:
    parcel = handing_over.pack(modality, enrolment.enrol(modality))
    (tmp_path / "ct.p12").write_bytes(parcel.pkcs12)
    call = ["openssl", "pkcs12", "-in", str(tmp_path / "ct.p12"), "-passin", "pass:wrong", "-nodes"]
    assert subprocess.run(call, capture_output=True).returncode != 0
    assert handing_over.pack(modality, enrolment.enrol(modality)).password != parcel.password


def test_enrolling_asks_for_a_fresh_second_factor(administrator: Person, modality: Device) -> None:
    browser = Browser().sign_in(administrator)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(hours=1))
    answer = browser.send(f"/devices/{modality.id}/enrol/")
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/step-up/")
    modality.refresh_from_db()
    assert modality.certificate == ""


def test_an_echo_is_on_record_with_what_came_of_it(technologist: Person, modality: Device) -> None:
    browser = Browser().sign_in(technologist)
    answer = browser.send(f"/devices/{modality.id}/echo/")
    assert "No port is kept for it." in answer.content.decode()
    event = AuditEvent.objects.get(action="device:called")
    assert (log.open_details(event) or {})["outcome"] == "no-port"


def test_the_settings_name_no_secret_and_the_port_that_the_device_needs(
    modality: Device, settings: Any, installation: Any
) -> None:
    settings.PACS_HOSTS = ["localhost", ".example.test", "pacs.example.test"]
    plain = called_by.settings_of(modality).text.splitlines()
    assert plain == ["DICOM", "host=pacs.example.test", "port=11112", "called=CUSTOS", "calling=CT_ONE", "tls=no"]
    enrolment.enrol(modality)
    modality.refresh_from_db()
    assert called_by.settings_of(modality).text.splitlines()[2::3] == ["port=2762", "tls=yes"]


def test_revoking_and_disabling_from_the_page_need_no_second_factor_of_now(
    administrator: Person, modality: Device
) -> None:
    enrolment.enrol(modality)
    browser = Browser().sign_in(administrator)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(hours=1))
    assert browser.send(f"/devices/{modality.id}/revoke/").status_code == 302
    assert browser.send(f"/devices/{modality.id}/active/", active="no").status_code == 302
    modality.refresh_from_db()
    assert (modality.certificate, modality.only_tls, modality.is_active) == ("", True, False)
    assert devices.find("CT_ONE", "127.0.0.1") is None
