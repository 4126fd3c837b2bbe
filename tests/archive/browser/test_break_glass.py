"""The page that breaks the glass, its banner on every page and in the viewer, and the pictures that it opens."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.archive.browser.conftest import SignIn
from tests.archive.browser.reading import read

WHY = {"reason": "emergency", "words": "The patient lies in resuscitation."}


def path_of(image: Dataset) -> str:
    series = f"/dicom-web/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}"
    return f"{series}/instances/{image.SOPInstanceUID}"


def test_pictures_open_for_an_hour_under_a_banner_and_close_at_the_button(
    signed_in: SignIn, arrived: Callable[..., list[Dataset]], outsider: Any
) -> None:
    (image,) = arrived(slices=1)
    browser = signed_in(outsider, fresh=True)
    viewer, picture = f"/studies/{image.StudyInstanceUID}/", f"{path_of(image)}/thumbnail"
    assert browser.get(viewer).status_code == browser.get(picture).status_code == 404
    assert "End it now" not in read(browser.get("/studies/").content).text
    answer = browser.post("/break-glass/", {"patient_id": image.PatientID, **WHY})
    assert answer.status_code == 200
    assert str(image.PatientName) not in answer.content.decode()
    assert browser.get(picture).status_code == 200
    for path in ("/studies/", viewer, "/me/", "/nowhere/"):
        assert "End it now" in read(browser.get(path).content).text, path
    found = browser.post("/studies/", {"patient_id": image.PatientID})
    assert image.StudyInstanceUID in found.content.decode()
    browser.post("/break-glass/end/")
    assert browser.get(viewer).status_code == browser.get(picture).status_code == 404
    assert "End it now" not in read(browser.get("/studies/").content).text


@pytest.mark.parametrize("number", ["own", "NOBODY"])
def test_what_was_not_opened_is_said_in_the_same_words(
    signed_in: SignIn, arrived: Callable[..., list[Dataset]], radiologist: Any, number: str
) -> None:
    (image,) = arrived(slices=1)
    typed = {"patient_id": image.PatientID if number == "own" else number, **WHY}
    answer = signed_in(radiologist, fresh=True).post("/break-glass/", typed)
    assert answer.status_code == 422
    assert "Nothing was opened" in read(answer.content).text


def test_a_stale_factor_is_asked_for_again_before_anything_is_typed(signed_in: SignIn, outsider: Any) -> None:
    answer = signed_in(outsider).get("/break-glass/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/step-up/?next=%2Fbreak-glass%2F")


def test_only_who_may_is_offered_the_page(signed_in: SignIn, outsider: Any, technologist: Any) -> None:
    assert "/break-glass/" in read(signed_in(outsider).get("/studies/").content).addresses
    assert "/break-glass/" not in read(signed_in(technologist).get("/studies/").content).addresses
