"""One study's pages: the viewer's shell, priors, what was displayed, download, and what was held back."""

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from pydicom import dcmread
from pydicom.dataset import Dataset

from archive.models import Held, Instance
from audit import journal
from audit.models import AuditEvent
from tests import builders
from tests.archive.browser.conftest import SignIn
from tests.archive.browser.reading import read
from tests.audit.planted import refused_inserts

Arrived = Callable[..., list[Dataset]]
UNKNOWN = "1.2.826.0.1.3680043.8.498.1"


def unmasked(answer: Any) -> str:
    """The page without what differs by design: the mask of the CSRF token, and where the reader is to come back to."""
    page = re.sub(r'(content|value)="[A-Za-z0-9]{64}"', "", answer.content.decode())
    return page.replace(f'value="{answer.wsgi_request.path}"', "")


def test_the_shell_tells_the_viewer_what_it_needs(signed_in: SignIn, arrived: Arrived, radiologist: Any) -> None:
    (ds,) = arrived(slices=1)
    uid = ds.StudyInstanceUID
    page = read(signed_in(radiologist).get(f"/studies/{uid}/").content)
    (root,) = [given for tag, given in page.elements if tag == "main"]
    family, given_name = str(ds.PatientName).split("^")
    assert root["id"] == "viewer"
    assert root["data-study"] == uid
    assert root["data-dicomweb"] == "/dicom-web"
    assert root["data-priors"] == f"/studies/{uid}/priors.json"
    assert root["data-displayed"] == f"/studies/{uid}/displayed/"
    assert root["lang"] == "en"
    assert f"{family}, {given_name}" in root["data-heading"]
    metas = {given.get("name"): given.get("content") for tag, given in page.elements if tag == "meta"}
    assert metas["csrf-token"]
    scripts = [given for tag, given in page.elements if tag == "script"]
    assert [(script["type"], script["src"]) for script in scripts] == [("module", "/static/viewer/main.js")]
    assert uid not in next(word for word in page.words if "Custos" in word), "the title goes into histories"


@pytest.mark.parametrize("page", ["", "priors.json", "download/", "held/"])
def test_a_study_of_another_group_answers_like_one_that_does_not_exist(
    signed_in: SignIn, arrived: Arrived, outsider: Any, technologist: Any, page: str
) -> None:
    (ds,) = arrived(slices=1)
    person = technologist if page == "held/" else outsider
    if page == "held/":
        person.groups.clear()
    browser = signed_in(person)
    foreign = browser.get(f"/studies/{ds.StudyInstanceUID}/{page}")
    # Of the same length: where the reader is to come back to stands on the page.
    nobodys = ds.StudyInstanceUID[:-1] + ("2" if ds.StudyInstanceUID.endswith("1") else "1")
    unknown = browser.get(f"/studies/{nobodys}/{page}")
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert unmasked(foreign) == unmasked(unknown)
    assert foreign.headers.items() == unknown.headers.items()
    outcomes = AuditEvent.objects.filter(actor_name=person.username).order_by("seq").values_list("outcome", "study_uid")
    assert ("denied", ds.StudyInstanceUID) in outcomes
    assert ("not-found", nobodys) in outcomes


def test_a_path_that_leads_nowhere_answers_like_a_study_that_is_not_yours(signed_in: SignIn, outsider: Any) -> None:
    browser = signed_in(outsider)
    nowhere, unknown = browser.get("/nowhere/"), browser.get(f"/studies/{UNKNOWN}/")
    assert nowhere.status_code == unknown.status_code == 404
    assert read(nowhere.content).text == read(unknown.content).text


def test_priors_are_the_other_studies_of_the_patient_that_the_reader_may_see(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    who = builders.Identity()
    (now,) = arrived(builders.study(slices=1, identity=who, StudyDate="20260301")[0])
    before = arrived(*builders.study(slices=2, identity=who, StudyDate="20240101", Modality="MR"))[0]
    arrived(slices=1)
    answer = signed_in(radiologist).get(f"/studies/{now.StudyInstanceUID}/priors.json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == [
        {
            "study_uid": before.StudyInstanceUID,
            "date": "20240101",
            "modality": "MR",
            "description": who.description,
            "instances": 2,
        }
    ]


def tell(browser: Any, ds: Dataset, body: object) -> HttpResponse:
    path = f"/studies/{ds.StudyInstanceUID}/displayed/"
    answer: HttpResponse = browser.post(path, body, content_type="application/json")
    return answer


def test_what_was_displayed_comes_into_the_record(signed_in: SignIn, arrived: Arrived, radiologist: Any) -> None:
    (ds,) = arrived(slices=1)
    answer = tell(signed_in(radiologist), ds, {"displayed": [[ds.SeriesInstanceUID, ds.SOPInstanceUID, 1]]})
    assert answer.status_code == 204
    journal.settle()
    event = AuditEvent.objects.get(action="study:delivered")
    assert (event.study_uid, event.actor_name) == (ds.StudyInstanceUID, "radiologist")


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"displayed": "x"},
        {"displayed": [["1.2", "1.2"]]},
        {"displayed": [["1.2", "1.2", 0]]},
        {"displayed": [["1.2", "1.2", True]]},
        {"displayed": [["1.2", "1.2", 1]] * 2000},
        {"displayed": [["1" * 65, "1.2", 1]]},
        {"displayed": [["1.2", "9.9.9", 1]]},
        "not json {",
    ],
)
def test_a_report_that_is_none_is_refused_and_leaves_no_delivery(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, body: object
) -> None:
    (ds,) = arrived(slices=1)
    assert tell(signed_in(radiologist), ds, body).status_code == 400
    journal.settle()
    assert not AuditEvent.objects.filter(action="study:delivered").exists()


def test_a_report_of_another_groups_study_is_not_found(signed_in: SignIn, arrived: Arrived, outsider: Any) -> None:
    (ds,) = arrived(slices=1)
    body = {"displayed": [[ds.SeriesInstanceUID, ds.SOPInstanceUID, 1]]}
    assert tell(signed_in(outsider), ds, body).status_code == 404


def test_download_asks_for_a_fresh_second_factor_and_comes_back(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    (ds,) = arrived(slices=1)
    path = f"/studies/{ds.StudyInstanceUID}/download/"
    answer = signed_in(radiologist).post(path, {"purpose": "care"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/step-up/?next={path.replace('/', '%2F')}"
    assert not AuditEvent.objects.filter(action="study:download", outcome="ok").exists()


def test_a_download_is_the_whole_study_as_it_was_sent_and_one_exact_event(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    sent = arrived(slices=3)
    path = f"/studies/{sent[0].StudyInstanceUID}/download/"
    form = {"purpose": "teaching", "words": "Approved by Dr Weber"}
    answer: Any = signed_in(radiologist, fresh=True).post(path, form)
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="study.zip"'
    content = b"".join(answer.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        kept = {archive.read(name) for name in archive.namelist()}
        names = " ".join(archive.namelist())
    assert {dcmread(io.BytesIO(data)).SOPInstanceUID for data in kept} == {ds.SOPInstanceUID for ds in sent}
    assert kept == {builders.part10(ds) for ds in sent}
    assert not [word for word in str(sent[0].PatientName).split("^") if word in names]
    event = AuditEvent.objects.get(action="study:download")
    assert (event.outcome, event.purpose, event.count) == ("ok", "teaching", 3)
    assert b"Dr Weber" not in bytes(event.details)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose what the copy is for"),
        ({"purpose": "nosy"}, "Choose what the copy is for"),
        ({"purpose": "other", "words": "  "}, "Say in a few words"),
    ],
)
def test_a_download_without_a_purpose_is_asked_again_and_nothing_leaves(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, form: dict[str, str], words: str
) -> None:
    (ds,) = arrived(slices=1)
    answer = signed_in(radiologist, fresh=True).post(f"/studies/{ds.StudyInstanceUID}/download/", form)
    assert answer.status_code == 400
    assert words in read(answer.content).text
    assert not AuditEvent.objects.filter(action="study:download").exists()


def test_who_may_not_download_is_not_offered_it_and_is_refused(
    signed_in: SignIn, arrived: Arrived, technologist: Any
) -> None:
    (ds,) = arrived(slices=1)
    browser, study = signed_in(technologist, fresh=True), f"/studies/{ds.StudyInstanceUID}/"
    assert f"{study}download/" not in read(browser.get(study).content).addresses
    assert browser.post(f"{study}download/", {"purpose": "care"}).status_code == 403


def test_the_held_page_shows_original_and_newcomer_side_by_side(
    signed_in: SignIn, held_back: tuple[Dataset, Held], technologist: Any
) -> None:
    ds, held = held_back
    page = read(signed_in(technologist).get(f"/studies/{ds.StudyInstanceUID}/held/").content)
    assert "The pixels differ." in page.text
    assert ds.StudyDescription in page.text
    assert f"/studies/{ds.StudyInstanceUID}/held/{held.id}/accept/" in page.addresses
    assert AuditEvent.objects.filter(action="study:compare", actor_name="technologist", outcome="ok").exists()


@pytest.mark.parametrize(("act", "current"), [("accept", "newcomer"), ("reject", "original")])
def test_a_decision_changes_what_is_shown_and_loses_nothing(
    signed_in: SignIn, held_back: tuple[Dataset, Held], technologist: Any, act: str, current: str
) -> None:
    ds, held = held_back
    before = Instance.objects.get(uid=ds.SOPInstanceUID)
    browser, path = signed_in(technologist), f"/studies/{ds.StudyInstanceUID}/held/"
    answer = browser.post(f"{path}{held.id}/{act}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    assert "Nothing is held back" in read(browser.get(path).content).text
    assert Instance.objects.filter(pk=before.pk).exists()
    assert Instance.objects.get(pk=before.pk).current is (current == "original")
    assert browser.post(f"{path}{held.id}/{act}/").status_code == 400


def test_who_may_not_reconcile_is_refused_and_so_is_a_newcomer_that_is_none(
    signed_in: SignIn, held_back: tuple[Dataset, Held], radiologist: Any, technologist: Any
) -> None:
    ds, held = held_back
    path = f"/studies/{ds.StudyInstanceUID}/held/"
    assert signed_in(radiologist).get(path).status_code == 403
    assert signed_in(radiologist).post(f"{path}{held.id}/accept/").status_code == 403
    assert signed_in(technologist).post(f"{path}{uuid4()}/reject/").status_code == 404
    assert signed_in(technologist).get(f"{path}{held.id}/reject/").status_code == 405
    held.refresh_from_db()
    assert held.state == "held"


def test_with_the_record_unwritable_no_page_of_a_study_is_shown(
    signed_in: SignIn, held_back: tuple[Dataset, Held], radiologist: Any, technologist: Any
) -> None:
    ds, held = held_back
    study = f"/studies/{ds.StudyInstanceUID}/"
    reader, other = signed_in(radiologist, fresh=True), signed_in(technologist)
    with refused_inserts():
        answers: list[Any] = [
            reader.get(study),
            reader.get(f"{study}priors.json"),
            reader.get(f"{study}download/"),
            reader.post(f"{study}download/", {"purpose": "care"}),
            tell(reader, ds, {"displayed": [[ds.SeriesInstanceUID, ds.SOPInstanceUID, 1]]}),
            other.get(f"{study}held/"),
            other.post(f"{study}held/{held.id}/accept/"),
        ]
    assert [answer.status_code for answer in answers] == [503] * len(answers)
    family = str(ds.PatientName).split("^")[0]
    assert not [answer for answer in answers if family in answer.content.decode()]
    assert all(answer.headers["Retry-After"] for answer in answers)
    held.refresh_from_db()
    assert held.state == "held"
