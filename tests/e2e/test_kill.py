"""Acknowledged is durable: whatever is killed at whatever instant, what was acknowledged is there, once and whole."""

import os
import signal
import threading
import time
from collections.abc import Iterable
from secrets import randbelow

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE

from tests import builders
from tests.e2e.conftest import Login
from tests.e2e.running import Archive, wait_for
from tests.e2e.traffic import asked, empty_broker, stow

pytestmark = pytest.mark.slow
SUCCESS = 0x0000


def send(archive: Archive, study: Iterable[Dataset], acknowledged: set[str]) -> None:
    """Send by C-STORE what is not acknowledged yet, over one association, until the end or until it breaks."""
    ae = AE("CT_ONE")
    ae.add_requested_context(builders.CT_IMAGE, ExplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", archive.dicom_port, ae_title="CUSTOS")
    try:
        for ds in study:
            if not association.is_established:
                return
            if ds.SOPInstanceUID not in acknowledged:
                builders.part10(ds)
                status = association.send_c_store(ds)
                if status and status.Status == SUCCESS:
                    acknowledged.add(ds.SOPInstanceUID)
    except (RuntimeError, ValueError, OSError):
        return
    finally:
        if association.is_established:
            association.release()


def wait_for_more(acknowledged: set[str], enough: int) -> None:
    wait_for(lambda: len(acknowledged) > enough, 60, "some instances acknowledged")


def assert_all_there_once(archive: Archive, login: Login, study: list[Dataset], acknowledged: set[str]) -> None:
    reader = archive.session(login.token)
    root = f"{archive.url}/dicom-web/studies/{study[0].StudyInstanceUID}"
    listed = reader.get(f"{root}/instances", params={"limit": 1000}, timeout=60).json()
    uids = [row["00080018"]["Value"][0] for row in listed]
    assert len(uids) == len(set(uids))
    assert acknowledged <= set(uids)
    by_uid = {ds.SOPInstanceUID: ds for ds in study}
    answer = reader.get(root, headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'})
    assert answer.status_code == 200
    for uid in acknowledged:
        assert by_uid[uid].PixelData in answer.content


def test_the_receiver_is_killed_during_a_send(archive: Archive, logins: dict[str, Login]) -> None:
    study = builders.study(500)
    acknowledged: set[str] = set()

    for _ in range(3):
        sender = threading.Thread(target=send, args=(archive, study, acknowledged))
        sender.start()
        wait_for_more(acknowledged, len(acknowledged) + randbelow(60))
        for pid in archive.processes("serve dimse"):
            os.kill(pid, signal.SIGKILL)
        sender.join(60)
        wait_for(archive.ready, 60, "the receiver to come back")
        assert_all_there_once(archive, logins["rosa"], study, acknowledged)

    send(archive, study, acknowledged)
    assert len(acknowledged) == len(study)
    assert_all_there_once(archive, logins["rosa"], study, acknowledged)


def test_who_comes_while_one_receiver_is_killed_is_taken_by_the_other(archive: Archive) -> None:
    receivers = archive.processes("serve dimse")
    assert len(receivers) == min(2, os.cpu_count() or 1)
    os.kill(receivers[0], signal.SIGKILL)
    study = builders.study(20)
    acknowledged: set[str] = set()

    for number in range(0, 20, 4):
        send(archive, study[number : number + 4], acknowledged)

    assert len(acknowledged) == 20
    wait_for(lambda: len(archive.processes("serve dimse")) == len(receivers), 60, "the receiver to come back")


def test_the_web_workers_are_killed_during_a_send(archive: Archive, logins: dict[str, Login]) -> None:
    study = builders.study(150)
    acknowledged: set[str] = set()
    ended = threading.Event()

    def post_all() -> None:
        while len(acknowledged) < len(study) and not ended.is_set():
            try:
                with archive.session(logins["tom"].token) as client:  # a new one after each break
                    for ds in study:
                        if ds.SOPInstanceUID not in acknowledged and stow(client, archive, [ds]).status_code == 200:
                            acknowledged.add(ds.SOPInstanceUID)
            except requests.RequestException:
                time.sleep(0.1)

    sender = threading.Thread(target=post_all)
    sender.start()
    try:
        wait_for(lambda: len(acknowledged) > 20, 60, "some instances acknowledged")
        for pid in archive.processes("granian"):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len(acknowledged) == len(study), 120, "the rest after the restart")
    finally:
        ended.set()
        sender.join(60)
    assert_all_there_once(archive, logins["rosa"], study, acknowledged)


@pytest.mark.both_sizes
def test_every_preview_appears_once_though_worker_and_broker_are_lost(
    archive: Archive, logins: dict[str, Login]
) -> None:
    sent = [builders.study(4) for _ in range(5)]
    sender = archive.session(logins["tom"].token)
    for study in sent:
        assert stow(sender, archive, study).status_code == 200
        for pid in archive.processes("serve worker"):
            os.kill(pid, signal.SIGKILL)
        empty_broker(archive)

    def count(what: str) -> int:
        return int(asked(archive, what))

    previews = "SELECT COUNT({}) FROM archive_rendition WHERE kind = 3"  # one a series, of its middle image
    wait_for(lambda: count(previews.format("*")) >= len(sent), 90, "every preview")
    wait_for(lambda: count("SELECT COUNT(*) FROM archive_instance WHERE sha256 = ''") == 0, 90, "every digest")
    assert count(previews.format("*")) == count(previews.format("DISTINCT series_id")) == len(sent)
    assert count("SELECT COUNT(*) FROM archive_job WHERE state = 'failed'") == 0
