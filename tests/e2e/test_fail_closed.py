"""No audit, no view: when the record cannot be written, nothing leaves through any door, and it heals by itself."""

import subprocess
import threading
import time
from collections.abc import Callable

import pytest
import requests
from pydicom.dataset import Dataset

from tests import builders
from tests.e2e.conftest import Login
from tests.e2e.running import Archive, wait_for
from tests.e2e.traffic import FRAMES, drained, frame_url, record_refused, stow

pytestmark = pytest.mark.slow
LIMIT = 2.0
SLACK = 0.7  # for what the sockets still held, and for the clocks of a busy machine


def doors(archive: Archive, study: list[Dataset]) -> dict[str, str]:
    """Every kind of reading request of the DICOMweb edge."""
    first = study[0]
    root = f"{archive.url}/dicom-web/studies"
    series = f"{root}/{first.StudyInstanceUID}/series/{first.SeriesInstanceUID}"
    instance = f"{series}/instances/{first.SOPInstanceUID}"
    return {
        "search": root,
        "study": f"{root}/{first.StudyInstanceUID}",
        "study metadata": f"{root}/{first.StudyInstanceUID}/metadata",
        "series": series,
        "series metadata": f"{series}/metadata",
        "series thumbnail": f"{series}/thumbnail",
        "instance": instance,
        "frame": f"{instance}/frames/1",
        "rendered": f"{instance}/rendered",
        "instance thumbnail": f"{instance}/thumbnail",
    }


@pytest.mark.both_sizes
def test_every_door_closes_and_opens_again(
    archive: Archive, logins: dict[str, Login], dcmtk: Callable[[str], str]
) -> None:
    study = builders.study(3)
    sender, reader = archive.session(logins["tom"].token), archive.session(logins["rosa"].token)
    assert stow(sender, archive, study).status_code == 200
    paths = doors(archive, study)
    # The lease is open and every door works before the record breaks.
    assert {name: reader.get(url, timeout=30).status_code for name, url in paths.items()} == dict.fromkeys(paths, 200)

    with record_refused(archive):
        time.sleep(LIMIT + SLACK)
        answers = {name: reader.get(url, timeout=30) for name, url in paths.items()}
        assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(paths, 503)
        assert all("Retry-After" in answer.headers for answer in answers.values())
        refused = stow(sender, archive, builders.study(1))
        assert refused.status_code == 503
        store = [dcmtk("storescu"), "-v", "-aet", "CT_ONE", "-aec", "CUSTOS", "127.0.0.1", str(archive.dicom_port)]
        file = archive.root / "one.dcm"
        file.write_bytes(builders.part10(builders.ct_slice()))
        sent = subprocess.run([*store, str(file)], capture_output=True, text=True, timeout=60)
        assert "Success" not in sent.stdout + sent.stderr, sent.stdout + sent.stderr

    wait_for(lambda: reader.get(paths["frame"], timeout=30).status_code == 200, 15, "recovery without a restart")
    assert stow(sender, archive, builders.study(1)).status_code == 200


def test_an_open_lease_ends_within_two_seconds(archive: Archive, logins: dict[str, Login]) -> None:
    study = builders.study(4)
    reader = archive.session(logins["rosa"].token)
    assert stow(archive.session(logins["tom"].token), archive, study).status_code == 200
    url, served = frame_url(archive, study[0]), []
    stop = threading.Event()

    def read_on() -> None:
        while not stop.is_set():
            try:
                if reader.get(url, headers={"Accept": FRAMES}, timeout=30).status_code == 200:
                    served.append(time.monotonic())
            except requests.RequestException:
                continue

    thread = threading.Thread(target=read_on)
    thread.start()
    try:
        wait_for(lambda: len(served) > 5, 20, "the first frames")
        with record_refused(archive):
            broken = time.monotonic()
            time.sleep(LIMIT + SLACK + 2)
            assert max(served) < broken + LIMIT + SLACK
            assert len(served) > 5
        count = len(served)
        wait_for(lambda: len(served) > count, 15, "recovery without a restart")
    finally:
        stop.set()
        thread.join(30)


def test_a_running_download_is_cut(archive: Archive, logins: dict[str, Login]) -> None:
    study = builders.study(120, side=512)
    whole = sum(len(ds.PixelData) for ds in study)
    sender, reader = archive.session(logins["tom"].token), archive.session(logins["rosa"].token)
    for start in range(0, len(study), 20):
        assert stow(sender, archive, study[start : start + 20]).status_code == 200
    url = f"{archive.url}/dicom-web/studies/{study[0].StudyInstanceUID}"

    answer = reader.get(url, headers={"Accept": 'multipart/related; type="application/dicom"'}, stream=True, timeout=60)
    assert answer.status_code == 200
    received = len(answer.raw.read(1 << 20))
    with record_refused(archive):
        time.sleep(LIMIT + SLACK)
        # What had left before the break may still lie in the sockets; the study itself never arrives.
        assert received + drained(answer) < whole / 2
