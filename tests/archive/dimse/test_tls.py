"""DICOM over TLS: who holds the certificate of its AE title gets in, nobody else does, and silence costs nothing."""

import datetime
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts import devices, enrolment
from accounts.models import Device
from archive.dimse.server import Server
from archive.models import Instance
from audit.models import AuditEvent
from pacs import tls
from tests import builders
from tests.archive.dimse import peers
from tests.archive.dimse.secured import Shown, alerted, ended, foreign, laid, refusals
from vault import certificates

Scu = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def scu(dcmtk: Callable[[str], str], listener: Server) -> Scu:
    """Run echoscu, or storescu on files, over TLS."""

    def run(
        shown: Shown, *paths: Path, calling: str = "CT_ONE", trust: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        call = [dcmtk("storescu" if paths else "echoscu"), "-v", "-aet", calling, "-aec", "CUSTOS"]
        call += ["+tls", str(shown.key), str(shown.certificate), "+cf", str(trust or shown.authority)]
        call += ["127.0.0.1", str(listener.port), *map(str, paths)]
        return subprocess.run(call, capture_output=True, text=True, timeout=60)

    return run


@pytest.mark.dcmtk
def test_the_right_certificate_echoes_and_stores_and_is_named_on_record(
    scu: Scu, shown: Shown, secured: Device, tmp_path: Path
) -> None:
    (ds,) = builders.study(slices=1)
    (tmp_path / "one.dcm").write_bytes(builders.part10(ds))
    echo, store = scu(shown), scu(shown, tmp_path / "one.dcm")
    assert (echo.returncode, store.returncode) == (0, 0), echo.stderr + store.stderr
    assert Instance.objects.count() == 1
    event = AuditEvent.objects.get(action="wire:echo")
    secured.refresh_from_db()
    assert event.actor_session == secured.certificate[:32] != ""


@pytest.mark.dcmtk
def test_a_certificate_of_another_authority_is_refused_and_on_record(scu: Scu, shown: Shown, tmp_path: Path) -> None:
    assert scu(foreign(tmp_path / "foreign"), trust=shown.authority).returncode != 0
    assert refusals() == ["the certificate is not of our authority"]
    assert alerted() == ["127.0.0.1"]


@pytest.mark.dcmtk
def test_the_servers_own_certificate_does_not_pass_for_a_devices(scu: Scu, shown: Shown) -> None:
    files = tls.dicom_files()
    assert scu(Shown(files.certificate, files.key, shown.authority)).returncode != 0
    assert refusals() == ["the certificate is not of our authority"]


@pytest.mark.dcmtk
def test_a_certificate_that_has_ended_is_refused_though_it_is_the_one_enrolled(
    scu: Scu, secured: Device, tmp_path: Path
) -> None:
    old = ended(tmp_path / "ended")
    print_ = certificates.fingerprint(old.certificate.read_bytes())
    Device.objects.filter(pk=secured.pk).update(certificate=print_, only_tls=True)
    assert scu(old).returncode != 0
    assert refusals() == ["the certificate has ended"]


@pytest.mark.dcmtk
def test_no_certificate_is_refused_and_on_record(dcmtk: Callable[[str], str], listener: Server, shown: Shown) -> None:
    call = [dcmtk("echoscu"), "-aet", "CT_ONE", "-aec", "CUSTOS", "+tla", "+cf", str(shown.authority)]
    ended_ = subprocess.run([*call, "127.0.0.1", str(listener.port)], capture_output=True, text=True, timeout=60)
    assert ended_.returncode != 0
    assert refusals() == ["no certificate was shown"]


@pytest.mark.dcmtk
def test_a_certificate_serves_no_other_title_and_no_other_address(scu: Scu, shown: Shown, secured: Device) -> None:
    devices.create("OTHER_CT", "127.0.0.1", may=["store"])
    assert "Rejected" in scu(shown, calling="OTHER_CT").stderr
    assert "Rejected" in scu(shown, calling="STRANGER").stderr
    Device.objects.filter(pk=secured.pk).update(address="10.9.8.0/24")
    assert "Rejected" in scu(shown).stderr
    assert refusals()[0] == "the certificate is not the one of this AE title"
    assert alerted() == ["CT_ONE", "OTHER_CT"]


@pytest.mark.dcmtk
def test_who_was_switched_off_revoked_or_enrolled_anew_gets_in_no_more_with_the_old_certificate(
    scu: Scu, shown: Shown, secured: Device, tmp_path: Path
) -> None:
    devices.set_active(secured, active=False)
    assert "Rejected" in scu(shown).stderr
    devices.set_active(secured, active=True)
    assert scu(shown).returncode == 0
    new = laid(tmp_path / "new", enrolment.enrol(secured))
    assert "Rejected" in scu(shown).stderr
    assert scu(new).returncode == 0
    enrolment.revoke(secured)
    assert "Rejected" in scu(new).stderr


def test_a_device_with_a_certificate_is_refused_in_the_clear_also_once_that_is_revoked(
    scp: Server, secured: Device
) -> None:
    assert peers.echoes(scp.port)
    enrolment.enrol(secured)
    assert not peers.echoes(scp.port)
    enrolment.revoke(secured)
    assert not peers.echoes(scp.port)
    assert refusals()[0] == "this device speaks over TLS only"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_nothing_older_than_tls_1_2_is_spoken(listener: Server, shown: Shown, version: str) -> None:
    assert "Cipher is (NONE)" in s_client(listener, shown, version, "-cipher", "ALL:@SECLEVEL=0")
    assert refusals() == ["a version of TLS that is too old"]


@pytest.mark.parametrize("suite", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "aNULL", "eNULL"])
def test_suites_without_aead_or_forward_secrecy_are_refused(listener: Server, shown: Shown, suite: str) -> None:
    assert "Cipher is (NONE)" in s_client(listener, shown, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
    assert refusals() == ["no common cipher suite"]


@pytest.mark.parametrize(("version", "told"), [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_tls_1_2_and_1_3_are_spoken_with_aead(listener: Server, shown: Shown, version: str, told: str) -> None:
    said = s_client(listener, shown, version)
    assert f"New, {told}, Cipher is" in said
    assert "GCM" in said or "POLY1305" in said


def s_client(listener: Server, shown: Shown, *words: str) -> str:
    call = ["openssl", "s_client", "-connect", f"127.0.0.1:{listener.port}", "-CAfile", str(shown.authority)]
    call += ["-cert", str(shown.certificate), "-key", str(shown.key), *words]
    return subprocess.run(call, input="", capture_output=True, text=True, timeout=30).stdout


def test_a_certificate_lasts_397_days_at_most(secured: Device) -> None:
    bundle = enrolment.enrol(secured)
    assert certificates.ends(bundle.certificate) - datetime.datetime.now(datetime.UTC) <= datetime.timedelta(days=397)
    with pytest.raises(ValueError, match="397"):
        enrolment.enrol(secured, 398)
