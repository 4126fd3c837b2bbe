"""What was received comes back bit for bit, to whom it belongs and to nobody else."""

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from accounts.actors import Actor
from accounts.errors import Forbidden, NotVisible, StepUpNeeded
from archive import derive, ingest, retrieve
from archive.models import Instance, Series
from archive.retrieve import reading
from audit import log
from audit.models import AuditEvent
from tests import builders
from tests.archive.outflow.handling import series_of, uids, whole
from tests.archive.outflow.oracle import samples

Store = Callable[..., Dataset]
ROOT = "https://archive.test/dicom-web"


@pytest.mark.both_databases
def test_a_study_a_series_and_an_instance_come_back_bit_for_bit(sender: Actor, reader: Actor) -> None:
    files = series_of(sender, 5)
    study, series, sop = uids(files[2])
    found = retrieve.instances(reader, study)
    assert found.planned == tuple(("1.2.840.10008.1.2.1", len(data)) for data in files)
    assert whole(found) == files
    assert whole(retrieve.instances(reader, study, series)) == files
    assert whole(retrieve.instances(reader, study, series, sop)) == [files[2]]


def test_real_files_of_every_transfer_syntax_come_back_bit_for_bit(
    sample_data: Path, sender: Actor, reader: Actor
) -> None:
    compared = set()
    for sample in samples(sample_data, each=3):
        try:
            ingest.store(sender, sample.data)
        except Exception:  # noqa: BLE001  What is refused has nothing to come back.
            continue
        (back,) = whole(retrieve.instances(reader, sample.study, sample.series, sample.sop))
        # The one exception to bits in, bits out: a preamble that could be another kind of file.
        assert back[128:] == sample.data[128:]
        assert back[:128] in (sample.data[:128], bytes(128))
        compared.add(sample.transfer_syntax)
    assert len(compared) >= 12


@pytest.mark.parametrize("magic", [b"MZ\x90\0", b"\x7fELF", b"#!/bin/sh\n", b"%PDF-1.4", b"<script>", b"II*\0"])
def test_a_hostile_preamble_is_kept_but_never_handed_out(sender: Actor, reader: Actor, magic: bytes) -> None:
    data = bytearray(builders.part10(builders.ct_slice()))
    data[: len(magic)] = magic
    ingest.store(sender, bytes(data))
    study, series, sop = uids(bytes(data))
    assert whole(retrieve.instances(reader, study, series, sop)) == [bytes(128) + bytes(data[128:])]
    derive.digest(str(Series.objects.get(uid=series).id), lambda done, total: None)
    assert Instance.objects.get(uid=sop).sha256 == hashlib.sha256(data).hexdigest()


def test_a_large_object_streams_in_small_pieces_and_whole(sender: Actor, reader: Actor) -> None:
    ds = builders.ct_slice(side=2048)
    data = bytearray(builders.part10(ds))
    data[:4] = b"\x7fELF"
    assert len(data) > 8_000_000
    ingest.store(sender, bytes(data))
    (one,) = retrieve.instances(reader, *uids(bytes(data)))
    pieces = list(one.chunks)
    assert max(map(len, pieces)) <= reading.PIECE
    assert b"".join(pieces) == bytes(128) + bytes(data[128:])


def test_what_a_receiver_cannot_take_is_decoded_to_explicit_little_endian(
    sample_data: Path, sender: Actor, reader: Actor
) -> None:
    explicit = "1.2.840.10008.1.2.1"
    wanted = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.90"}
    for sample in samples(sample_data, each=1):
        if sample.transfer_syntax not in wanted:
            continue
        ingest.store(sender, sample.data)
        (one,) = retrieve.instances(reader, sample.study, sample.series, sample.sop, syntaxes=(explicit,))
        back = pydicom.dcmread(io.BytesIO(b"".join(one.chunks)))
        assert (one.transfer_syntax, back.file_meta.TransferSyntaxUID) == (explicit, explicit)
        assert (back.pixel_array == sample.read().pixel_array).all()
        assert back.SOPInstanceUID == sample.sop
        wanted.discard(sample.transfer_syntax)
    assert not wanted


def test_nobody_sees_another_groups_study_and_the_refusal_comes_on_call(store: Store, stranger: Actor) -> None:
    ds = store()
    study, series, sop = ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID
    calls: list[Callable[[str], object]] = [
        lambda uid: retrieve.instances(stranger, uid),
        lambda uid: retrieve.instances(stranger, uid, series, sop),
        lambda uid: retrieve.frames(stranger, uid, series, sop, [1]),
        lambda uid: retrieve.frames(stranger, uid, series, sop, [999]),
        lambda uid: retrieve.metadata(stranger, uid, root=ROOT),
        lambda uid: retrieve.bulkdata(stranger, uid, series, sop, "00091001"),
        lambda uid: retrieve.rendered(stranger, uid),
        lambda uid: retrieve.thumbnail(stranger, uid, series),
        lambda uid: retrieve.archive(stranger, uid, "care"),
        lambda uid: retrieve.displayed(stranger, uid, [(series, sop, 1)]),
    ]
    for call in calls:
        for uid, outcome in ((study, "denied"), (generate_uid(), "not-found")):
            with pytest.raises(NotVisible):
                call(uid)
            assert AuditEvent.objects.filter(study_uid=uid).latest("seq").outcome == outcome
    assert AuditEvent.objects.filter(outcome="denied").count() == len(calls)


def test_a_download_is_one_exact_event_and_a_whole_zip_that_names_nobody(sender: Actor, reader: Actor) -> None:
    identity = builders.Identity()
    files = series_of(sender, 3, identity=identity)
    files += series_of(sender, 0)
    study = uids(files[0])[0]
    same = builders.ct_slice(identity, study_uid=study, number=1, SeriesNumber=1)
    ingest.store(sender, builders.part10(same))
    data = b"".join(retrieve.archive(reader, study, "second-opinion", "asked by phone"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert sorted(archive.read(name) for name in names) == sorted([*files, builders.part10(same)])
    assert sorted(names) == [
        "series-001-2/image-00001.dcm",
        "series-001/image-00001.dcm",
        "series-001/image-00002.dcm",
        "series-001/image-00003.dcm",
    ] or sorted(names) == [
        "series-001-2/image-00001.dcm",
        "series-001-2/image-00002.dcm",
        "series-001-2/image-00003.dcm",
        "series-001/image-00001.dcm",
    ]
    (event,) = AuditEvent.objects.filter(action="study:download")
    assert (event.count, event.purpose, event.outcome) == (4, "second-opinion", "ok")
    assert b"asked by phone" not in bytes(event.details)
    assert log.open_details(event) == {"words": "asked by phone"}


def test_a_download_asks_for_a_fresh_second_factor(
    store: Store, reader: Actor, technologist: Any, actor_of: Any
) -> None:
    study = store().StudyInstanceUID
    with pytest.raises(StepUpNeeded):
        retrieve.archive(replace(reader, stepped_up_at=time.time() - 3600), study, "care")
    with pytest.raises(Forbidden):
        retrieve.archive(actor_of(technologist), study, "care")
    assert not AuditEvent.objects.filter(action="study:download", outcome="ok").exists()
