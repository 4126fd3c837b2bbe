"""What is damaged is handed out in no way, and what is whole beside it goes on."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from archive import retrieve
from archive.models import Finding, Instance
from tests import builders
from tests.archive.dicomweb.conftest import Program, body, path_of
from tests.archive.fixity.conftest import Store, file_of, flip, open_alerts, run

pytestmark = pytest.mark.both_databases


def test_a_changed_head_is_found_and_the_image_in_it_is_still_handed_out(
    installation: Any, two: Any, radiologist: Any
) -> None:
    one, _ = two
    flip(file_of(installation, one), one.offset - 1)
    assert run().damaged == 1
    finding = Finding.objects.get()
    assert (finding.object_id, finding.what) == (one.id, "head")
    one.refresh_from_db()
    assert (one.damaged_at, one.verified_at is None) == (None, False)
    assert open_alerts() == 1
    path = f"/studies/{one.study.uid}/series/{one.series.uid}/instances/{one.uid}"
    assert Program(radiologist).get(path).status_code == 200


def test_a_damaged_image_is_handed_out_in_no_way_and_the_others_go_on(store: Store, radiologist: Any) -> None:
    sent = builders.study(3)
    rows = [store(ds) for ds in sent]
    # Every chunk of it still opens: the mark alone must keep it here.
    Instance.objects.filter(id=rows[1].id).update(sha256="0" * 64)
    assert run().damaged == 1
    reader = Program(radiologist)
    for way in ("", "/frames/1", "/rendered", "/thumbnail"):
        accept = "image/jpeg" if way in ("/rendered", "/thumbnail") else "*/*"
        answer = reader.get(path_of(sent[1]) + way, accept)
        assert answer.status_code == 422, way
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert reader.get(path_of(sent[0]) + way, accept).status_code == 200, way
    study = f"/studies/{sent[0].StudyInstanceUID}"
    answer = reader.get(study, 'multipart/related; type="application/dicom"')
    assert (answer.status_code, answer.headers["Warning"]) == (206, '299 custos "1 damaged instances are left out"')
    content = body(answer)
    assert builders.part10(sent[0]) in content
    assert builders.part10(sent[2]) in content
    assert sent[1].PixelData not in content
    assert reader.get(f"{study}/thumbnail", "image/jpeg").status_code == 200
    told = {one["00080018"]["Value"][0]: one for one in json.loads(body(reader.get(f"{study}/metadata")))}
    assert len(told) == 3
    damaged = told[sent[1].SOPInstanceUID]
    assert damaged["00280010"]["Value"] == [32]
    assert "00100010" not in damaged


@pytest.mark.parametrize("known", [True, False])
def test_a_downloaded_copy_lacks_what_is_damaged_and_says_so(
    installation: Any, store: Store, radiologist: Any, actor_of: Any, known: bool
) -> None:
    sent = builders.study(3)
    rows = [store(ds) for ds in sent]
    flip(file_of(installation, rows[1]), rows[1].offset + rows[1].length - 1)
    if known:
        assert run().damaged == 1
    copy = b"".join(retrieve.archive(actor_of(radiologist), sent[0].StudyInstanceUID, "care"))
    with ZipFile(BytesIO(copy)) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    assert sent[1].SOPInstanceUID in files.pop("DAMAGED.txt").decode()
    assert sorted(files.values()) == sorted(builders.part10(ds) for ds in (sent[0], sent[2]))
    assert open_alerts() == 1


def test_a_whole_copy_says_nothing_of_damage(store: Store, radiologist: Any, actor_of: Any) -> None:
    uid = store(builders.ct_slice()).study.uid
    with ZipFile(BytesIO(b"".join(retrieve.archive(actor_of(radiologist), uid, "care")))) as opened:
        assert "DAMAGED.txt" not in opened.namelist()


def test_who_meets_damage_while_reading_marks_it_and_a_scrub_raises_no_second_alert(
    installation: Any, store: Store, radiologist: Any
) -> None:
    ds = builders.ct_slice(side=256)
    row = store(ds)
    reader = Program(radiologist)
    assert reader.get(f"{path_of(ds)}/metadata").status_code == 200
    flip(file_of(installation, row), row.offset + row.length - 1)
    assert reader.get(f"{path_of(ds)}/frames/1").status_code == 422
    row.refresh_from_db()
    assert row.damaged_at is not None
    assert Finding.objects.get().what == "instance"
    assert run().damaged == 1
    assert (Finding.objects.count(), open_alerts()) == (1, 1)
    told = json.loads(body(reader.get(f"{path_of(ds)}/metadata")))[0]
    assert "00100010" not in told, "what still opens of it stays here too"
