"""The main job: a modality sends a study, it is sealed, people find it, and nothing of it can be read at rest."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

import pytest
from pydicom import dcmread

from tests import builders
from tests.e2e.conftest import Login
from tests.e2e.running import Archive, parent, wait_for
from tests.e2e.sweep import changed_since, sweep

pytestmark = [pytest.mark.dcmtk, pytest.mark.slow]
SLICES = "neurolabusc__dcm_qa_ct"


def stamped(sample_data: Path, into: Path, who: builders.Identity) -> list[Path]:
    """Copy the 54 real slices with a random identity in every field that is sealed."""
    into.mkdir()
    sources = sorted((sample_data / SLICES).rglob("S21610/S2010/I*"))
    assert len(sources) == 54
    for source in sources:
        ds = dcmread(source)
        who.stamp(ds).save_as(into / f"{source.name}.dcm")
    return sorted(into.iterdir())


def send(dcmsend: str, archive: Archive, folder: Path, calling: str = "CT_ONE") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [dcmsend, "-aet", calling, "-aec", "CUSTOS", "127.0.0.1", str(archive.dicom_port), "+sd", str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.both_sizes
def test_54_slices_arrive_are_found_and_are_readable_nowhere(
    archive: Archive, logins: dict[str, Login], sample_data: Path, dcmtk: Callable[[str], str], tmp_path: Path
) -> None:
    who, began = builders.Identity(), time.time()
    files = stamped(sample_data, tmp_path / "sent", who)

    sent = send(dcmtk("dcmsend"), archive, tmp_path / "sent")

    assert sent.returncode == 0, sent.stderr
    reader = archive.session(logins["rosa"].token)
    surname = who.name.split("^")[0]
    found = reader.get(f"{archive.url}/dicom-web/studies", params={"PatientName": f"{surname[:6].lower()}*"}).json()
    assert [study["00201208"]["Value"] for study in found] == [[54]]
    assert found[0]["00100010"]["Value"] == [{"Alphabetic": who.name}]
    original = dcmread(files[0])
    place = f"{archive.url}/dicom-web/studies/{original.StudyInstanceUID}/series/{original.SeriesInstanceUID}"
    frame = reader.get(
        f"{place}/instances/{original.SOPInstanceUID}/frames/1",
        headers={"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'},
    )
    assert frame.status_code == 200
    assert original.PixelData in frame.content
    previews = wait_for(
        lambda: reader.get(f"{place}/thumbnail", headers={"Accept": "image/jpeg"}).status_code == 200, 20, "a preview"
    )
    assert previews

    shared = changed_since(began, Path(gettempdir()), without=tmp_path.parent)
    assert sweep(who.words(), [archive.root, *shared], archive.processes()) == []


def test_an_unknown_sender_is_rejected_and_on_record(
    archive: Archive, dcmtk: Callable[[str], str], logins: dict[str, Login]
) -> None:
    echo = [dcmtk("echoscu"), "-aec", "CUSTOS", "127.0.0.1", str(archive.dicom_port)]

    assert subprocess.run([*echo, "-aet", "CT_ONE"], timeout=30).returncode == 0
    assert subprocess.run([*echo, "-aet", "STRANGER"], timeout=30, capture_output=True).returncode != 0
    wrong = [dcmtk("echoscu"), "-aet", "CT_ONE", "-aec", "OTHER", "127.0.0.1", str(archive.dicom_port)]
    assert subprocess.run(wrong, timeout=30, capture_output=True).returncode != 0

    exported = archive.manage("audit", "export", "--csv").stdout
    assert "STRANGER" in exported
    assert "wire:refused" in exported


def test_each_web_process_has_what_decodes_images_before_anybody_asks(archive: Archive) -> None:
    def decoding() -> bool:
        return set(archive.web_workers()) <= {parent(pid) for pid in archive.processes("archive.rendering")}

    assert archive.web_workers()
    wait_for(decoding, 20, "a decoder for each web process")
