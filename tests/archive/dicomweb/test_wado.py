"""Fetching over HTTP: exact bytes, exact headers, and the same words for what is unknown and what is forbidden."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from accounts.models import Person
from archive import ingest
from archive.dicomweb import parts
from archive.dicomweb.accept import media_type
from audit import journal, log
from audit.models import AuditEvent
from tests import builders, people
from tests.accounts.browsing import Browser
from tests.archive.dicomweb.conftest import Program, body, path_of
from tests.archive.outflow.handling import broken_log
from tests.archive.outflow.oracle import samples

Store = Callable[..., Dataset]
OCTETS = "application/octet-stream"


def received(answer: Any) -> list[parts.Received]:
    """The parts of a multipart answer, read by the strict reader; its announced length is its length."""
    assert answer.status_code == 200, body(answer)
    content = body(answer)
    if "Content-Length" in answer:
        assert int(answer["Content-Length"]) == len(content)
    kind, parameters = media_type(answer["Content-Type"])
    assert kind == "multipart/related"
    return list(parts.read_parts(io.BytesIO(content).read, parts.boundary_of(parameters), most_bytes=1 << 30))


def test_objects_come_as_parts_or_alone(store: Store, reader: Program) -> None:
    first = store()
    second = store(study_uid=first.StudyInstanceUID, series_uid=first.SeriesInstanceUID, number=2)
    files = [builders.part10(first), builders.part10(second)]
    study, series = first.StudyInstanceUID, first.SeriesInstanceUID
    for path in (f"/studies/{study}", f"/studies/{study}/series/{series}"):
        for accept in (
            "*/*",
            'multipart/related; type="application/dicom"',
            "multipart/related; type=application/dicom; transfer-syntax=*",
        ):
            found = received(reader.get(path, accept))
            assert [part.body for part in found] == files
            assert found[0].parameters == {"transfer-syntax": "1.2.840.10008.1.2.1"}
    alone = reader.get(path_of(first), "application/dicom")
    assert (alone["Content-Type"], alone["Content-Disposition"], alone["X-Content-Type-Options"]) == (
        "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
        'attachment; filename="instance.dcm"',
        "nosniff",
    )
    assert body(alone) == files[0]
    assert alone["Cache-Control"] == "no-store"


def test_frames_of_twenty_real_files_equal_what_pydicom_extracts(
    sample_data: Path, modality: Any, reader: Program
) -> None:
    sender, compared = people.actor(modality), []
    for sample in samples(sample_data, each=3):
        try:
            ingest.store(sender, sample.data)
        except Exception:  # noqa: BLE001  What is refused has no frames.
            continue
        expected = sample.frames()
        wanted = list(range(1, len(expected) + 1))[:7]
        listed = ",".join(map(str, reversed(wanted)))
        path = f"/studies/{sample.study}/series/{sample.series}/instances/{sample.sop}/frames/{listed}"
        found = received(reader.get(path, f"multipart/related; type={OCTETS}; transfer-syntax=*"))
        assert [part.body for part in found] == [expected[number - 1] for number in reversed(wanted)], sample.path.name
        compressed = sample.read()["PixelData"].is_undefined_length
        syntax = sample.transfer_syntax if compressed else "1.2.840.10008.1.2.1"
        assert all(part.parameters["transfer-syntax"] == syntax for part in found)
        compared.append(sample.transfer_syntax)
    assert len(compared) >= 20
    assert len(set(compared)) >= 6


def test_frames_are_decoded_for_who_asks_for_plain_octets(sample_data: Path, modality: Any, reader: Program) -> None:
    sample = next(one for one in samples(sample_data, each=1) if one.transfer_syntax.endswith(".4.90"))
    ingest.store(people.actor(modality), sample.data)
    path = f"/studies/{sample.study}/series/{sample.series}/instances/{sample.sop}/frames/1"
    expected = np.ascontiguousarray(sample.read().pixel_array).tobytes()
    (part,) = received(reader.get(path, f"multipart/related; type={OCTETS}"))
    assert part.body[: len(expected)] == expected[: len(part.body)]
    assert (part.media_type, part.parameters["transfer-syntax"]) == (OCTETS, "1.2.840.10008.1.2.1")
    alone = reader.get(path, OCTETS)
    assert body(alone) == part.body
    assert body(reader.get(path, "image/jp2")) == sample.frames()[0]
    assert reader.get(path, "image/png").status_code == 406


@pytest.mark.parametrize(
    ("numbers", "status"), [("2", 404), ("0", 404), ("1,2", 404), ("x", 400), ("1,", 400), ("-1", 400), ("1" * 30, 400)]
)
def test_frames_that_are_not_there_are_refused_in_words(
    store: Store, reader: Program, numbers: str, status: int
) -> None:
    answer = reader.get(f"{path_of(store())}/frames/{numbers}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert "rame" in answer.json()["detail"]


def test_metadata_is_whole_and_its_references_resolve(store: Store, reader: Program) -> None:
    private = bytes(range(256))
    ds = builders.ct_slice()
    block = ds.private_block(0x0009, "CUSTOS TEST", create=True)
    block.add_new(0x01, "OB", private)
    ingest.store(people.actor(_modality()), builders.part10(ds))
    for path in (
        f"/studies/{ds.StudyInstanceUID}",
        f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}",
        path_of(ds),
    ):
        answer = reader.get(f"{path}/metadata", "application/dicom+json")
        assert answer["Content-Type"] == "application/dicom+json"
        (document,) = answer.json() if not answer.streaming else __import__("json").loads(body(answer))
        told = pydicom.Dataset.from_json(document, lambda *_: b"")
        assert told.PatientName == ds.PatientName
        assert document["00083002"]["Value"] == ["1.2.840.10008.1.2.1"]
        uri = document["00091001"]["BulkDataURI"]
        assert uri.startswith("https://localhost/dicom-web/studies/")
        assert body(reader.get(uri.removeprefix("https://localhost/dicom-web"), OCTETS)) == private
        pixels = document["7FE00010"]["BulkDataURI"].removeprefix("https://localhost/dicom-web")
        assert body(reader.get(pixels, OCTETS)) == ds.PixelData


def _modality() -> Any:
    from accounts.models import Device

    return Device.objects.get(ae_title="CT_ONE")


def test_metadata_is_compressed_for_who_wants_it_and_not_sent_twice(store: Store, reader: Program) -> None:
    import gzip

    path = f"/studies/{store().StudyInstanceUID}/metadata"
    plain = reader.get(path)
    packed = reader.get(path, **{"Accept-Encoding": "br, gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(body(packed)) == body(plain)
    again = reader.get(path, **{"If-None-Match": plain["ETag"]})
    assert (again.status_code, body(again)) == (304, b"")


PATHS = ["{s}", "{s}/series/{e}", "{s}/series/{e}/instances/{i}", "{s}/metadata", "{s}/series/{e}/metadata"]
PATHS += [
    f"{{s}}/series/{{e}}/instances/{{i}}/{rest}"
    for rest in ("metadata", "frames/1", "frames/99", "rendered", "thumbnail", "bulkdata/00091001", "bulkdata/7FE00010")
]
PATHS += ["{s}/rendered", "{s}/thumbnail", "{s}/series/{e}/rendered", "{s}/series/{e}/thumbnail"]


@pytest.mark.parametrize("path", PATHS)
def test_a_forbidden_study_answers_exactly_like_an_unknown_one(store: Store, stranger: Program, path: str) -> None:
    ds = store()
    answers = []
    for study in (ds.StudyInstanceUID, generate_uid()):
        where = path.format(s=study, e=ds.SeriesInstanceUID, i=ds.SOPInstanceUID)
        answer = stranger.get(f"/studies/{where}")
        answers.append((answer.status_code, body(answer), sorted(answer.items())))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert AuditEvent.objects.filter(study_uid=ds.StudyInstanceUID, outcome="denied").count() == 1


@pytest.mark.parametrize(
    "path", ["{s}", "{s}/metadata", "{s}/thumbnail", "{s}/series", "{s}/series/{e}/instances/{i}/frames/1"]
)
def test_without_the_log_every_path_is_unavailable_and_comes_back(store: Store, reader: Program, path: str) -> None:
    ds = store()
    where = "/studies/" + path.format(s=ds.StudyInstanceUID, e=ds.SeriesInstanceUID, i=ds.SOPInstanceUID)
    with broken_log():
        answer = reader.get(where)
        assert answer.status_code == 503
        assert answer["Retry-After"]
        assert ds.SOPInstanceUID.encode() not in body(answer)
    import time

    time.sleep(1.1)
    assert reader.get(where).status_code == 200


@pytest.mark.parametrize(
    "path",
    [f"/studies/{p}".format(s="1.2", e="1.3", i="1.4") for p in PATHS]
    + ["/studies", "/series", "/instances", "/studies/1.2/series"],
)
def test_nobody_without_a_token_gets_anything(installation: object, path: str) -> None:
    answer = Program(None).get(path)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/studies/../x",
        "/studies/1.2.x",
        "/studies/" + "1." * 60,
        "/studies/1.2/series/%00",
        "/nothing",
        "/studies/1.2/frames/1",
        "/studies/1/series/2/instances/3/bulkdata/zz",
        "/studies/1/series/2/instances/3/bulkdata/" + "/0/".join(["00081140"] * 40),
    ],
)
def test_paths_that_name_nothing_are_not_found(reader: Program, path: str) -> None:
    assert reader.get(path).status_code in (400, 404)


def test_other_methods_are_refused_and_options_tell_what_there_is(store: Store, reader: Program) -> None:
    path = f"/dicom-web{path_of(store())}"
    assert reader.client.delete(path, secure=True).status_code == 405
    assert reader.client.put(path, b"x", secure=True).status_code == 405
    options = reader.client.options("/dicom-web/studies", secure=True)
    assert (options.status_code, options["Allow"]) == (204, "GET, POST, OPTIONS")


def test_the_pixels_of_many_native_frames_are_one_value(store: Store, reader: Program) -> None:
    pixels = np.arange(4 * 4 * 5, dtype="<u2").tobytes()
    path = f"{path_of(store(side=4, NumberOfFrames=5, PixelData=pixels))}/bulkdata/7FE00010"
    assert body(reader.get(path, OCTETS)) == pixels
    (part,) = received(reader.get(path, f"multipart/related; type={OCTETS}"))
    assert part.body == pixels


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("prefetched", "prefetched"),
        ("previewed", "previewed"),
        ("displayed", "displayed"),
        ("", "displayed"),
        ("x", "displayed"),
    ],
)
def test_a_viewer_says_what_becomes_of_frames_and_a_program_cannot(
    store: Store, radiologist: Person, reader: Program, said: str, kept: str
) -> None:
    path = f"{path_of(store())}/frames/1"
    browser = Browser().sign_in(radiologist)
    body(browser.get(f"/dicom-web{path}", secure=True, headers={"Custos-Use": said} if said else {}))
    body(reader.get(path, **{"Custos-Use": "prefetched"}))
    journal.settle()
    events = AuditEvent.objects.filter(action="study:delivered")
    uses = {event.actor_kind: (log.open_details(event) or {})["use"] for event in events}
    assert uses == {"person": kept, "token": "retrieved"}
