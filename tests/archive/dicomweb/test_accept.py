"""What clients accept, read as they mean it, and chosen as the standard says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.dicomweb import accept
from archive.dicomweb.choices import (
    EXPLICIT,
    FrameForm,
    Mixed,
    NotAcceptable,
    ObjectForm,
    frame_form,
    json_type,
    object_form,
    picture_type,
)

J2K = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"


def test_quoted_and_unquoted_types_mean_the_same() -> None:
    quoted = accept.read('multipart/related; type="application/dicom"; transfer-syntax="*"')
    assert quoted == accept.read("multipart/related;type=application/dicom;transfer-syntax=*")


def test_commas_and_semicolons_inside_quotes_do_not_split() -> None:
    (one,) = accept.read('multipart/related; type="application/dicom"; note="a,b;c=\\"d\\""')
    assert one.parameters == {"type": "application/dicom", "note": 'a,b;c="d"'}


def test_preference_orders_and_zero_refuses() -> None:
    ranges = accept.read("image/jpeg;q=0.2, image/png;q=0.9, image/gif;q=0, text/plain;q=7")
    assert [r.type for r in ranges] == ["image/png", "image/jpeg"]


def test_a_missing_accept_accepts_anything() -> None:
    assert accept.read("") == accept.ANYTHING


@given(st.text(max_size=300))
def test_no_accept_value_breaks_the_reader(value: str) -> None:
    for found in accept.read(value):
        assert "/" in found.type
        assert 0 < found.quality <= 1


@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True), st.text(max_size=20), max_size=4))
def test_whatever_is_quoted_comes_back(parameters: dict[str, str]) -> None:
    parameters.pop("q", None)

    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    plain = {name: value for name, value in parameters.items() if "\n" not in value}
    header = "; ".join(["a/b", *(f"{name}={quoted(value)}" for name, value in plain.items())])
    assert accept.read(header)[0].parameters == plain


@pytest.mark.parametrize(
    "header",
    [
        "application/dicom+json, application/json",
        'application/dicom+json, multipart/related; type="application/octet-stream"',
        "application/dicom+json",
        "*/*",
        "application/*",
        "",
    ],
)
def test_search_results_are_dicom_json_for_every_known_client(header: str) -> None:
    assert json_type(accept.read(header)) == "application/dicom+json"


def test_plain_json_is_given_where_only_that_is_asked() -> None:
    assert json_type(accept.read("application/json")) == "application/json"


def test_json_is_refused_to_who_wants_xml() -> None:
    with pytest.raises(NotAcceptable):
        json_type(accept.read('multipart/related; type="application/dicom+xml"'))


@pytest.mark.parametrize(
    ("header", "one", "form"),
    [
        ("*/*", True, ObjectForm(False, ("*",))),
        ("application/dicom", True, ObjectForm(True, (EXPLICIT,))),
        ("application/dicom; transfer-syntax=*", True, ObjectForm(True, ("*",))),
        ('multipart/related; type="application/dicom"', False, ObjectForm(False, (EXPLICIT,))),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', False, ObjectForm(False, ("*",))),
        (
            f"multipart/related; type=application/dicom; transfer-syntax={J2K}, "
            f"multipart/related; type=application/dicom; transfer-syntax={RLE}",
            False,
            ObjectForm(False, (J2K, RLE)),
        ),
    ],
)
def test_whole_objects_go_as_asked(header: str, one: bool, form: ObjectForm) -> None:
    assert object_form(accept.read(header), one=one) == form


def test_several_objects_do_not_go_alone() -> None:
    with pytest.raises(NotAcceptable):
        object_form(accept.read("application/dicom"), one=False)


def test_dicom_and_rendered_types_do_not_mix() -> None:
    with pytest.raises(Mixed):
        object_form(accept.read("application/dicom, image/jpeg"), one=True)
    with pytest.raises(Mixed):
        picture_type(accept.read("image/jpeg, application/dicom"))


@pytest.mark.parametrize(
    ("header", "stored", "form"),
    [
        ("*/*", J2K, FrameForm(False, "image/jp2", False)),
        ('multipart/related; type="*/*"', J2K, FrameForm(False, "image/jp2", False)),
        ('multipart/related; type="image/x-dicom-rle"', RLE, FrameForm(False, "image/dicom-rle", False)),
        ("", EXPLICIT, FrameForm(False, "application/octet-stream", False)),
        (
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            J2K,
            FrameForm(False, "image/jp2", False),
        ),
        ("multipart/related; type=application/octet-stream", J2K, FrameForm(False, "application/octet-stream", True)),
        (
            "multipart/related; type=application/octet-stream",
            EXPLICIT,
            FrameForm(False, "application/octet-stream", False),
        ),
        ("application/octet-stream", RLE, FrameForm(True, "application/octet-stream", True)),
        ('multipart/related; type="image/jp2"', J2K, FrameForm(False, "image/jp2", False)),
        (f'multipart/related; type="image/jp2"; transfer-syntax={J2K}', J2K, FrameForm(False, "image/jp2", False)),
        ("image/jp2", J2K, FrameForm(True, "image/jp2", False)),
        ("image/jpeg, application/octet-stream;q=0.5", J2K, FrameForm(True, "application/octet-stream", True)),
    ],
)
def test_frames_go_as_asked(header: str, stored: str, form: FrameForm) -> None:
    assert frame_form(accept.read(header), stored, count=1) == form


@pytest.mark.parametrize("header", ["image/png", "image/jpeg", "text/html", f"image/jp2; transfer-syntax={RLE}"])
def test_frames_that_cannot_be_made_are_refused(header: str) -> None:
    with pytest.raises(NotAcceptable):
        frame_form(accept.read(header), J2K, count=1)


def test_several_frames_do_not_go_alone() -> None:
    with pytest.raises(NotAcceptable):
        frame_form(accept.read("application/octet-stream"), J2K, count=2)


def test_pictures_are_jpeg_unless_png_is_asked() -> None:
    assert picture_type(accept.read("*/*")) == "image/jpeg"
    assert picture_type(accept.read("image/png")) == "image/png"
    with pytest.raises(NotAcceptable):
        picture_type(accept.read("image/gif"))


def test_only_short_values_are_kept_and_what_is_kept_stays_what_was_read() -> None:
    short, long = "image/png;q=0.5, image/jpeg", "image/png, " * 100
    assert accept.read(short) is accept.read(short)
    assert [one.type for one in accept.read(short)] == ["image/jpeg", "image/png"]
    assert accept.read(long) == accept.read(long)
    assert accept.read(long) is not accept.read(long)
