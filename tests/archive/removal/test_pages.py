"""The pages of trash and holds: offered to whom they are permitted, said in two languages, and done by POST alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts import scope
from accounts.models import Hold
from tests.archive.browser.conftest import SignIn, arrived, signed_in

__all__ = ["arrived", "signed_in"]
Arrived = Callable[..., list[Dataset]]
WILL_HAPPEN = {
    "en": "After 30 days it may be destroyed for ever.",
    "fr": "Après 30 jours, il peut être détruit définitivement.",
}


@pytest.fixture
def study_uid(arrived: Arrived) -> str:
    return str(arrived(slices=1)[0].StudyInstanceUID)


def text(browser: Client, path: str) -> str:
    answer = browser.get(path, secure=True)
    assert answer.status_code == 200, path
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_technologist_reads_what_will_happen_trashes_and_restores(
    signed_in: SignIn, study_uid: str, technologist: Any, language: str
) -> None:
    browser = signed_in(technologist, language=language)
    question = f"/studies/{study_uid}/trash/"
    assert f'href="{question}"' in browser.get(f"/studies/{study_uid}/", secure=True).content.decode()
    assert WILL_HAPPEN[language] in text(browser, question)
    assert not scope.withdrawn(study_uid)
    answer = browser.post(question, secure=True)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/trash/")
    assert scope.withdrawn(study_uid)
    assert study_uid in text(browser, "/trash/")
    for path in (question, f"/studies/{study_uid}/"):
        assert browser.get(path, secure=True).status_code == 404
    assert browser.get(f"/studies/{study_uid}/restore/", secure=True).status_code == 405
    assert browser.post(f"/studies/{study_uid}/restore/", secure=True).status_code == 302
    assert not scope.withdrawn(study_uid)
    assert study_uid not in text(browser, "/trash/")


def test_a_radiologist_is_offered_nothing_and_refused(signed_in: SignIn, study_uid: str, radiologist: Any) -> None:
    browser = signed_in(radiologist)
    page = browser.get(f"/studies/{study_uid}/", secure=True).content.decode()
    assert "/trash/" not in page
    assert "/holds/" not in page
    for path in ("/trash/", "/holds/", f"/studies/{study_uid}/trash/"):
        assert browser.get(path, secure=True).status_code == 403, path
    for path in (f"/studies/{study_uid}/{act}/" for act in ("trash", "restore", "release")):
        assert browser.post(path, secure=True).status_code == 403, path
    assert browser.post("/holds/", {"study": study_uid, "reason": "x"}, secure=True).status_code == 403
    assert not scope.withdrawn(study_uid)
    assert not Hold.objects.exists()


def test_a_privacy_officer_holds_with_a_reason_and_releases(
    signed_in: SignIn, study_uid: str, privacy_officer: Any
) -> None:
    browser = signed_in(privacy_officer)
    assert browser.post("/holds/", {"study": study_uid, "reason": " "}, secure=True).status_code == 400
    assert browser.post("/holds/", {"study": "1.2.3", "reason": "Court"}, secure=True).status_code == 404
    assert browser.post("/holds/", {"study": "", "reason": "Court"}, secure=True).status_code == 400
    assert not Hold.objects.exists()
    assert browser.post("/holds/", {"study": study_uid, "reason": "Court order"}, secure=True).status_code == 302
    page = text(browser, "/holds/")
    assert study_uid in page
    assert "Court order" not in page
    assert browser.post(f"/studies/{study_uid}/release/", secure=True).status_code == 302
    assert study_uid not in text(browser, "/holds/")
    assert not Hold.objects.exists()


def test_what_changes_something_needs_the_pages_own_token(signed_in: SignIn, study_uid: str, technologist: Any) -> None:
    browser = signed_in(technologist)
    browser.handler.enforce_csrf_checks = True
    assert browser.post(f"/studies/{study_uid}/trash/", secure=True).status_code == 403
    assert not scope.withdrawn(study_uid)
