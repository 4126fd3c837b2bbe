"""The short way in keeps out whom the long one keeps out, and its answers carry the same headers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import Resolver404, resolve
from pydicom.dataset import Dataset

from accounts.models import Person
from pacs import lean
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


def test_a_host_that_is_not_ours_is_refused(store: Callable[..., Dataset], radiologist: Person) -> None:
    answer = Program(radiologist).get(f"{path_of(store())}/frames/1", host="elsewhere.example")
    assert answer.status_code == 400


LEVELS = ["/studies/1.2", "/series/3.4", "/instances/5.6", "/frames/7,8"]


@pytest.mark.parametrize("form", ["", "/metadata", "/rendered", "/thumbnail"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_path_leads_where_django_finds_that_it_leads(depth: int, form: str) -> None:
    for levels in (LEVELS, [level.replace("1.2", "9.9.9") for level in LEVELS]):
        path = "/dicom-web" + "".join(levels[:depth]) + form
        try:
            expected = resolve(path)
        except Resolver404:
            with pytest.raises(Resolver404):
                lean._resolved(path)
            continue
        found = lean._resolved(path)
        assert (found.func, found.args, found.kwargs) == (expected.func, expected.args, expected.kwargs)
        assert (found.route, found.view_name) == (expected.route, expected.view_name)
