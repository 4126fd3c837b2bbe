"""QIDO parameters: every spelling clients use is read, everything else is named or refused, nothing breaks."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.dicomweb import parameters
from archive.dicomweb.problems import BadRequest
from archive.query.criteria import LIMIT, Criteria, Page, Span


@pytest.mark.parametrize("name", ["PatientName", "00100010"])
def test_an_attribute_may_be_named_by_keyword_or_by_tag(name: str) -> None:
    assert parameters.read(f"{name}=DOE%5EJ*", "studies").criteria().patient_name == "DOE^J*"


def test_what_the_usual_viewer_sends_is_read_without_a_warning() -> None:
    query = (
        "limit=101&offset=202&fuzzymatching=false&includefield=00081030%2C00080090%2C00100030"
        "&PatientName=*m%C3%BCller*&ModalitiesInStudy=CT,MR&StudyDate=20260101-20260131&accept=application/dicom%2Bjson"
    )
    asked = parameters.read(query, "studies")
    assert asked.warnings == []
    assert asked.page == Page(101, 202)
    assert asked.criteria() == Criteria(
        patient_name="*müller*", modalities=("CT", "MR"), study_date=Span("20260101", "20260131")
    )


@pytest.mark.parametrize("separator", [",", "%5C"])
def test_uid_lists_are_separated_by_comma_or_backslash(separator: str) -> None:
    assert parameters.read(f"StudyInstanceUID=1.2{separator}1.3", "studies").criteria().study_uids == ("1.2", "1.3")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("20260131", Span("20260131", "20260131")),
        ("20260101-", Span("20260101", "")),
        ("-20260131", Span("", "20260131")),
    ],
)
def test_dates_are_single_or_ranges(text: str, span: Span) -> None:
    assert parameters.read(f"StudyDate={text}", "studies").criteria().study_date == span


def test_an_empty_value_or_a_lone_star_asks_nothing() -> None:
    assert parameters.read("PatientName=&PatientID=*&StudyDate=", "studies").criteria() == Criteria()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("BodyPartExamined=HEAD", "BodyPartExamined"),
        ("00400275.00400009=X", "00400275.00400009"),
        ("NoSuchThing=1", "NoSuchThing"),
        ("Modality=CT", "Modality"),
        ("TimezoneOffsetFromUTC=%2B0100", "TimezoneOffsetFromUTC"),
        ("includefield=BodyPartExamined", "BodyPartExamined"),
        ("emptyvaluematching=true", "emptyvaluematching"),
        ("multiplevaluematching=true", "multiplevaluematching"),
        ("limit=1000000000", "limit"),
    ],
)
def test_what_is_not_supported_is_named_in_a_warning(query: str, named: str) -> None:
    (warning,) = parameters.read(query, "studies").warnings
    assert named in warning


def test_literal_matching_is_admitted_in_the_words_of_the_standard() -> None:
    assert parameters.read("fuzzymatching=true", "studies").warnings == [
        "The fuzzymatching parameter is not supported. Only literal matching has been performed."
    ]


@pytest.mark.parametrize("name", ["%0d%0aSet-Cookie", "<script>", "(00100010)", "x" * 500, "é"])
def test_an_odd_name_is_not_echoed_into_a_header(name: str) -> None:
    (warning,) = parameters.read(f"{quote(name)}=1", "studies").warnings
    assert warning == "The parameter with an unreadable name is not supported and was ignored."


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "limit=",
        "offset=-1",
        "offset=1e9",
        "limit=" + "9" * 19,
        "limit=%D9%A3",
        "StudyDate=2026",
        "StudyDate=20260101-20260131-20260201",
        "StudyTime=20260101",
        "StudyInstanceUID=1.2.*",
        "StudyInstanceUID=../../etc",
        "StudyInstanceUID=" + ",".join(f"1.{n}" for n in range(600)),
        "ModalitiesInStudy=<x>",
        "PatientName=a%00b",
        "PatientName=" + "x" * 3000,
        "PatientName=A&PatientName=B",
        "PatientName=A&00100010=B",
        "PatientName=%ff%fe",
        "fuzzymatching=perhaps",
        "&".join(f"k{n}=1" for n in range(5000)),
    ],
)
def test_what_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(BadRequest):
        parameters.read(query, "studies")


def test_series_and_instances_know_their_own_attributes() -> None:
    assert parameters.read("Modality=CT&SeriesNumber=3", "series").criteria() == Criteria(
        modality=("CT",), series_number=3
    )
    assert parameters.read("SOPInstanceUID=1.2&PatientID=x", "instances").criteria().sop_uids == ("1.2",)


def test_a_huge_offset_is_only_far_away() -> None:
    assert parameters.read("offset=999999999999999999", "studies").offset == 2**31 - 1


@given(st.text(max_size=200), st.sampled_from(["studies", "series", "instances"]))
def test_no_query_string_breaks_the_reader(query: str, level: str) -> None:
    with suppress(BadRequest):
        asked = parameters.read(query, level)
        assert 0 <= asked.limit <= LIMIT
        assert all(warning.isascii() and "\n" not in warning for warning in asked.warnings)
