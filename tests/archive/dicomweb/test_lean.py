"""The short way in keeps out whom the long one keeps out, and its answers carry the same headers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import Resolver404, resolve
from pydicom.dataset import Dataset

from accounts.models import Person
from archive.models import Instance
from pacs import lean
from tests import builders
from tests.archive.dicomweb.conftest import RELATED, Program, body, multipart, path_of

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


@pytest.mark.parametrize("path", ["/studies", "/studies/1.2.3"])
@pytest.mark.parametrize("content", [RELATED, "application/dicom", "text/plain"])
def test_what_is_stored_is_answered_alike_either_way(technologist: Person, path: str, content: str) -> None:
    data = builders.part10(builders.ct_slice())
    sent = multipart(data) if content == RELATED else data
    short = Program(technologist).send(sent, content, path)
    with override_settings(MIDDLEWARE=LONG):
        long = Program(technologist).send(sent, content, path)
    assert told(short) == told(long)
    assert body(short) == body(long)


def test_a_token_that_is_none_stores_nothing_either_way(technologist: Person) -> None:
    sent = multipart(builders.part10(builders.ct_slice()))
    answers = []
    for middleware in (settings.MIDDLEWARE, LONG):
        with override_settings(MIDDLEWARE=middleware):
            answers.append(Program(None).send(sent, RELATED, headers={"authorization": "Bearer none"}))
    assert answers[0].status_code == 401
    assert told(answers[0]) == told(answers[1])
    assert Instance.objects.count() == 0


def test_whose_cookie_says_who_stores_goes_the_long_way(rf: Any) -> None:
    assert lean._is_short(rf.post("/dicom-web/studies", headers={"authorization": "Bearer x"}))
    assert not lean._is_short(rf.post("/dicom-web/studies"))
    assert not lean._is_short(rf.post("/dicom-web/studies/1.2/series", headers={"authorization": "Bearer x"}))
    assert not lean._is_short(rf.put("/dicom-web/studies", headers={"authorization": "Bearer x"}))


def test_a_host_that_is_not_ours_is_refused(store: Callable[..., Dataset], radiologist: Person) -> None:
    answer = Program(radiologist).get(f"{path_of(store())}/frames/1", host="elsewhere.example")
    assert answer.status_code == 400


LEVELS = ["/studies/1.2", "/series/3.4", "/instances/5.6", "/frames/7,8"]


@pytest.mark.parametrize("form", ["", "/metadata", "/rendered", "/thumbnail"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_path_leads_where_django_finds_that_it_leads(depth: int, form: str) -> None:
    assert lean._resolved("/dicom-web/studies").func == resolve("/dicom-web/studies").func
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
