"""The short way in keeps out whom the long one keeps out, and its answers carry the same headers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from pydicom.dataset import Dataset

from accounts.models import Person
from tests.archive.dicomweb.conftest import Program, body, path_of

LONG = [name for name in settings.MIDDLEWARE if name != "pacs.lean.Lean"]


def told(answer: Any) -> dict[str, str]:
    """Status and headers, but for the boundary that is drawn anew."""
    said = {name.title(): value.partition("; boundary=")[0] for name, value in answer.items()}
    return {"Status": str(answer.status_code), **said}


@pytest.mark.parametrize("accept", ["*/*", 'multipart/related; type="application/octet-stream"', "text/html"])
@pytest.mark.parametrize("frame", ["1", "2", "1,1"])
def test_frames_come_with_the_same_headers_either_way(
    store: Callable[..., Dataset], radiologist: Person, frame: str, accept: str
) -> None:
    path = f"{path_of(store())}/frames/{frame}"
    short = told(Program(radiologist).get(path, accept))
    with override_settings(MIDDLEWARE=LONG):
        long = told(Program(radiologist).get(path, accept))
    assert short == long


@pytest.mark.parametrize("below", ["", "/metadata", "/rendered", "/thumbnail", "/frames/1"])
def test_nobody_is_refused_alike_either_way(store: Callable[..., Dataset], below: str) -> None:
    path = f"{path_of(store())}{below}"
    short = Program(None).get(path)
    with override_settings(MIDDLEWARE=LONG):
        long = Program(None).get(path)
    assert short.status_code == 401
    assert told(short) == told(long)
    assert body(short) == body(long)


@pytest.mark.parametrize("below", ["", "/metadata", "/rendered", "/frames/1", "/frames/1/rendered"])
def test_each_path_of_one_shape_gives_what_it_names_itself(
    store: Callable[..., Dataset], radiologist: Person, below: str
) -> None:
    paths = [f"{path_of(store())}{below}" for _ in range(2)]
    program = Program(radiologist)
    short = [program.get(path) for path in paths]
    with override_settings(MIDDLEWARE=LONG):
        long = [program.get(path) for path in paths]
    assert [told(answer) for answer in short] == [told(answer) for answer in long]
    assert [_told_of(answer) for answer in short] == [_told_of(answer) for answer in long]


def _told_of(answer: Any) -> bytes:
    """The body, but for the boundary that is drawn anew."""
    _, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    whole = body(answer)
    return whole.replace(boundary.encode(), b"boundary") if boundary else whole


def test_a_shape_of_path_that_names_nothing_stays_unknown(store: Callable[..., Dataset], radiologist: Person) -> None:
    path, program = path_of(store()), Program(radiologist)
    answers = [program.get(f"{path}{below}").status_code for below in ("/frames/1/metadata", "/frames/1") * 2]
    assert answers == [404, 200, 404, 200]


def test_a_host_that_is_not_ours_is_refused(store: Callable[..., Dataset], radiologist: Person) -> None:
    answer = Program(radiologist).get(f"{path_of(store())}/frames/1", host="elsewhere.example")
    assert answer.status_code == 400
