"""C-STORE: what arrives is kept once, bit for bit, and answered with the status of the standard."""

import re
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from archive import owed
from archive.dimse.server import Server
from archive.models import Held, Instance, Pack, Study
from audit.models import AuditEvent
from tests import builders
from tests.archive.dimse import peers
from tests.audit.planted import refused_inserts

SLICES = "neurolabusc__dcm_qa_ct"
CT, EXPLICIT, IMPLICIT = builders.CT_IMAGE, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


@pytest.fixture
def slices(sample_data: Path) -> list[Path]:
    found = sorted((sample_data / SLICES).rglob("S21610/S2010/I*"))
    assert len(found) == 54
    return found


def dcmsend(tool: str, port: int, *paths: Path) -> subprocess.CompletedProcess[str]:
    call = [tool, "-v", "-aet", "CT_ONE", "-aec", "CUSTOS", "127.0.0.1", str(port), *map(str, paths)]
    return subprocess.run(call, capture_output=True, text=True, timeout=100)


@pytest.mark.dcmtk
@pytest.mark.both_databases
def test_54_real_slices_arrive_once_and_sent_again_change_nothing(
    scp: Server, dcmtk: Callable[[str], str], slices: list[Path]
) -> None:
    first = dcmsend(dcmtk("dcmsend"), scp.port, *slices)
    assert first.returncode == 0, first.stderr
    kept = set(Instance.objects.values_list("uid", "size", "id"))
    assert len(kept) == 54
    study = Study.objects.get()
    assert study.instance_count == 54

    again = dcmsend(dcmtk("dcmsend"), scp.port, *slices)

    assert again.returncode == 0, again.stderr
    assert re.search(r"with status SUCCESS +: 54\b", again.stdout + again.stderr)
    assert set(Instance.objects.values_list("uid", "size", "id")) == kept
    assert Held.objects.count() == 0


@pytest.mark.dcmtk
def test_storescu_sends_with_small_and_large_pdus_and_multiple_associations(
    scp: Server, dcmtk: Callable[[str], str], slices: list[Path]
) -> None:
    call = [dcmtk("storescu"), "-aet", "CT_ONE", "-aec", "CUSTOS", "127.0.0.1", str(scp.port)]
    for options in (["--max-send-pdu", "4096"], ["--max-send-pdu", "131072", "--max-pdu", "4096"], ["-xi"]):
        done = subprocess.run([*call, *options, *map(str, slices[:4])], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    assert Instance.objects.filter(current=True).count() == 4


@pytest.mark.both_databases
def test_whoever_has_released_finds_all_that_was_acknowledged(scp: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "SECONDS", 60.0)
    made = builders.study(slices=5)
    with peers.associated(scp.port, [(CT, [EXPLICIT])]) as association:
        statuses = [association.send_c_store(peers.as_file(ds)).Status for ds in made]
        assert statuses == [0] * 5
        assert Instance.objects.count() == 1
    assert Instance.objects.count() == Study.objects.get().instance_count == 5
    assert not Pack.objects.filter(owed=True).exists()


def test_the_bytes_of_the_data_set_are_kept_as_they_were_sent(scp: Server) -> None:
    (ds,) = builders.study(slices=1)
    sent = builders.part10(ds)
    assert peers.sends(scp.port, ds) == [0]
    kept = Instance.objects.get(uid=ds.SOPInstanceUID)
    assert kept.size - kept.dataset_offset == len(sent) - dataset_offset(sent)
    assert kept.transfer_syntax == EXPLICIT
    assert kept.sender == "CT_ONE"


def dataset_offset(part10: bytes) -> int:
    """Where the data set begins: preamble, prefix, the group length element and what it counts."""
    return 144 + int.from_bytes(part10[140:144], "little")


def test_a_store_is_on_record_with_its_study_and_sender(scp: Server) -> None:
    (ds,) = builders.study(slices=1)
    assert peers.sends(scp.port, ds) == [0]
    event = AuditEvent.objects.get(action="study:store")
    assert (event.study_uid, event.actor_ae_title, event.outcome) == (ds.StudyInstanceUID, "CT_ONE", "ok")
    assert AuditEvent.objects.filter(action="wire:association", outcome="ok").count() == 1


def test_two_transfer_syntaxes_in_one_association_are_both_kept_as_sent(scp: Server) -> None:
    first, second = builders.study(slices=2)
    with peers.associated(scp.port, [(CT, [EXPLICIT]), (CT, [IMPLICIT])]) as association:
        assert association.send_c_store(peers.as_file(first, EXPLICIT)).Status == 0
        assert association.send_c_store(peers.as_file(second, IMPLICIT)).Status == 0
    syntaxes = dict(Instance.objects.values_list("uid", "transfer_syntax"))
    assert syntaxes == {first.SOPInstanceUID: EXPLICIT, second.SOPInstanceUID: IMPLICIT}


def test_other_content_under_a_known_uid_is_answered_success_and_held_back(scp: Server) -> None:
    (ds,) = builders.study(slices=1)
    other = dcmread(BytesIO(builders.part10(ds)))
    other.PixelData = bytes(len(other.PixelData))
    assert peers.sends(scp.port, ds) == [0]
    assert peers.sends(scp.port, other) == [0]
    assert Held.objects.count() == 1
    assert Instance.objects.filter(uid=ds.SOPInstanceUID).count() == 1


def test_private_and_unknown_storage_classes_are_kept(scp: Server) -> None:
    private, retired = "1.3.12.2.1107.5.9.1", "1.2.840.10008.5.1.4.1.1.9"
    for sop_class in (private, retired):
        (ds,) = builders.study(slices=1, SOPClassUID=sop_class)
        assert peers.sends(scp.port, ds) == [0]
    assert set(Instance.objects.values_list("sop_class", flat=True)) == {private, retired}


def raw_store(port: int, dataset: bytes, *, sop_class: str = CT, sop_uid: str = "1.2.3", context: str = CT) -> int:
    """Send one data set as it is; return the status."""
    with peers.connect(port) as sock:
        sock.sendall(peers.request_pdu([(context, [EXPLICIT])]))
        assert peers.read_pdu(sock)[0] == 2
        command = peers.command_set(0x0001, sop_class=sop_class, sop_uid=sop_uid, dataset=True)
        sock.sendall(peers.data_pdu(1, command, command=True) + peers.data_pdu(1, dataset, command=False))
        kind, body = peers.read_pdu(sock)
        assert kind == 4
        sock.sendall(bytes((5, 0, 0, 0, 0, 4, 0, 0, 0, 0)))
        assert peers.read_pdu(sock)[0] == 6, "the association did not survive"
    return peers.status_of(body)


@pytest.mark.parametrize(
    "dataset",
    [
        b"",
        b"no data set at all, but long enough to look at",
        b"\x08\x00\x18\x00UI\xff\xff1.2",
        b"\x08\x00\x05\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 300,
    ],
    ids=["empty", "text", "lying length", "nested"],
)
def test_what_is_no_data_set_is_answered_c000_and_the_association_lives(scp: Server, dataset: bytes) -> None:
    assert raw_store(scp.port, dataset) == 0xC000
    assert Instance.objects.count() == 0
    event = AuditEvent.objects.get(action="study:rejected")
    assert (event.outcome, event.actor_ae_title) == ("failed", "CT_ONE")
    assert peers.echoes(scp.port)


def encoded(ds: Dataset) -> bytes:
    whole = builders.part10(ds)
    return whole[dataset_offset(whole) :]


def test_an_object_other_than_its_command_announced_is_answered_a900(scp: Server) -> None:
    (ds,) = builders.study(slices=1)
    assert raw_store(scp.port, encoded(ds), sop_uid="1.2.3.4.5") == 0xA900
    assert Instance.objects.count() == 0


def test_a_class_other_than_that_of_its_context_is_answered_0122(scp: Server) -> None:
    (ds,) = builders.study(slices=1)
    secondary = "1.2.840.10008.5.1.4.1.1.7"
    assert raw_store(scp.port, encoded(ds), sop_class=secondary, sop_uid=ds.SOPInstanceUID) == 0x0122
    assert Instance.objects.count() == 0


@pytest.mark.both_databases
def test_with_the_record_unwritable_a_store_is_answered_a700_and_succeeds_later(scp: Server) -> None:
    (ds,) = builders.study(slices=1)
    with refused_inserts():
        assert peers.sends(scp.port, ds) == [0xA700]
        assert Instance.objects.count() == 0
    assert peers.sends(scp.port, ds) == [0]
    assert Instance.objects.count() == 1


def test_no_identifier_of_an_object_reaches_the_log(scp: Server, caplog: pytest.LogCaptureFixture) -> None:
    who = builders.Identity()
    (ds,) = builders.study(slices=1, identity=who)
    broken = encoded(ds)[:-7]
    with caplog.at_level("DEBUG"):
        assert peers.sends(scp.port, ds) == [0]
        raw_store(scp.port, broken, sop_uid=ds.SOPInstanceUID)
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("pynetdicom"))
    assert [word for word in who.words() if word in ours] == []


def test_implicit_and_explicit_forms_of_one_object_are_told_apart_as_a_re_encoding(scp: Server) -> None:
    (ds,) = builders.study(slices=1)
    assert peers.sends(scp.port, ds) == [0]
    assert peers.sends(scp.port, ds, syntax=ImplicitVRLittleEndian) == [0]
    assert Instance.objects.get(uid=ds.SOPInstanceUID).transfer_syntax == EXPLICIT
