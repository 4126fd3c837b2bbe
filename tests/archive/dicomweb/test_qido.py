"""Searching over HTTP, as the standard and its clients have it."""

import gc
from collections.abc import Callable
from urllib.parse import quote

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.archive.dicomweb.conftest import Program
from tests.builders import Identity

Store = Callable[..., Dataset]


def test_a_study_carries_what_the_standard_asks_for(store: Store, reader: Program) -> None:
    identity = Identity(name="Yamada^Tarou=山田^太郎=やまだ^たろう")
    ds = store(identity)
    answer = reader.get("/studies", "application/dicom+json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/dicom+json")
    (row,) = answer.json()
    assert row["00100010"] == {
        "vr": "PN",
        "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}],
    }
    told = pydicom.Dataset.from_json(row)
    assert (told.StudyInstanceUID, told.PatientID, told.AccessionNumber, told.StudyID) == (
        ds.StudyInstanceUID,
        identity.patient_id,
        identity.accession,
        identity.study_id,
    )
    assert (told.ModalitiesInStudy, told.NumberOfStudyRelatedSeries, told.NumberOfStudyRelatedInstances) == ("CT", 1, 1)
    assert told.RetrieveURL == f"https://localhost/dicom-web/studies/{ds.StudyInstanceUID}"
    assert told.InstanceAvailability == "ONLINE"


def test_series_and_instances_are_found_at_every_resource(store: Store, reader: Program) -> None:
    ds = store()
    store()
    study, series = ds.StudyInstanceUID, ds.SeriesInstanceUID
    for path in (
        f"/studies/{study}/series",
        f"/series?SeriesInstanceUID={series}",
        f"/series?StudyInstanceUID={study}",
    ):
        (row,) = reader.get(path).json()
        assert row["0020000D"]["Value"] == [study]
        assert row["0020000E"]["Value"] == [series]
        assert row["00201209"]["Value"] == [1]
    for path in (
        f"/studies/{study}/instances",
        f"/studies/{study}/series/{series}/instances",
        f"/instances?SOPInstanceUID={ds.SOPInstanceUID}",
    ):
        (row,) = reader.get(path).json()
        assert row["00080018"]["Value"] == [ds.SOPInstanceUID]
        assert row["00280010"]["Value"] == [32]
        assert row["00083002"]["Value"] == ["1.2.840.10008.1.2.1"]


@pytest.mark.parametrize("pattern", ["MÜLLER*", "muller*", "*üll*", "Müller^Jürgen", "M?LLER*"])
def test_names_are_found_as_browsers_encode_them(store: Store, reader: Program, pattern: str) -> None:
    wanted = store(Identity(name="Müller^Jürgen")).StudyInstanceUID
    store(Identity(name="Other^Name"))
    (row,) = reader.get(f"/studies?PatientName={quote(pattern)}").json()
    assert row["0020000D"]["Value"] == [wanted]


def test_nothing_found_and_nothing_left_are_an_empty_list(store: Store, reader: Program) -> None:
    store()
    for query in ("PatientName=NOBODY", "offset=10", "offset=999999999999", "limit=0", "StudyInstanceUID=1.2.3"):
        answer = reader.get(f"/studies?{query}")
        assert (answer.status_code, answer.json()) == (200, [])


def test_pages_by_offset_walk_through_everything(store: Store, reader: Program) -> None:
    uids = {store().StudyInstanceUID for _ in range(5)}
    walked: list[str] = []
    while rows := reader.get(f"/studies?limit=2&offset={len(walked)}").json():
        walked += [row["0020000D"]["Value"][0] for row in rows]
    assert set(walked) == uids
    assert len(walked) == 5


def test_what_was_not_done_is_named_in_a_warning(store: Store, reader: Program) -> None:
    store()
    answer = reader.get("/studies?fuzzymatching=true&BodyPartExamined=HEAD&%0d%0aX=1")
    assert answer.status_code == 200
    assert answer["Warning"] == (
        "299 https://localhost/dicom-web: The fuzzymatching parameter is not supported. "
        "Only literal matching has been performed., "
        "299 https://localhost/dicom-web: The parameter BodyPartExamined is not supported and was ignored., "
        "299 https://localhost/dicom-web: The parameter with an unreadable name is not supported and was ignored."
    )
    assert "Warning" not in reader.get("/studies?limit=5&fuzzymatching=false")


def test_a_pattern_too_open_for_the_index_is_admitted(
    store: Store, reader: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.query.scan.MOST_OPENED", 2)
    monkeypatch.setattr("archive.query.scan._BATCH", 2)
    for _ in range(3):
        store(Identity(name="ZZ^ZZ"))
    assert "matches may be missing" in reader.get("/studies?PatientName=*q*")["Warning"]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/dicom+json, application/json", 200),
        ('application/dicom+json, multipart/related; type="application/octet-stream"', 200),
        ("application/json", 200),
        ('multipart/related; type="application/dicom+xml"', 406),
        ("image/png", 406),
    ],
)
def test_clients_get_json_or_are_told_that_there_is_nothing_else(reader: Program, accept: str, status: int) -> None:
    assert reader.get("/studies", accept).status_code == status
    assert reader.get(f"/studies?accept={quote(accept)}", "text/html").status_code == status


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=1e9",
        "offset=x",
        "StudyDate=yesterday",
        "StudyInstanceUID=%2e%2e%2f",
        "PatientName=" + "x" * 5000,
        "&".join(f"k{n}=1" for n in range(5000)),
        "PatientName=%ff",
        "PatientName=a%00b",
    ],
)
def test_what_cannot_be_read_is_a_bad_request(reader: Program, query: str) -> None:
    answer = reader.get(f"/studies?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["PatientName=" + "*" * 64, "PatientName=" + "?" * 64, "PatientName=%27;DROP", "limit=1000000000"]
)
def test_hard_patterns_are_answered(store: Store, reader: Program, query: str) -> None:
    store()
    assert reader.get(f"/studies?{query}").status_code == 200


def test_another_groups_studies_are_as_if_they_were_not(store: Store, stranger: Program) -> None:
    ds = store()
    for path in (
        "/studies",
        "/series",
        "/instances",
        f"/studies/{ds.StudyInstanceUID}/series",
        f"/studies/{generate_uid()}/series",
    ):
        assert stranger.get(path).json() == []


def test_a_page_leaves_no_circle_of_its_rows_to_the_collector(store: Store, reader: Program) -> None:
    for _ in range(5):
        store()
    reader.get("/studies")
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        assert reader.get("/studies").content.count(b'"0020000D"') == 5
        gc.collect()
        left = [one for one in gc.garbage if type(one) is dict and "vr" in one]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left
