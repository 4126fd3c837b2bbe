"""The study list: whose studies, found how, and what it says about them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset

from archive.browser.filters import ROWS, name_pattern
from archive.models import Held, Study
from audit.models import AuditEvent
from tests import builders
from tests.archive.browser.conftest import SignIn
from tests.archive.browser.reading import read
from tests.audit.planted import refused_inserts

Arrived = Callable[..., list[Dataset]]
POISON = "<script>alert(1)</script>"


def named(name: str, **attributes: Any) -> Dataset:
    return builders.study(slices=1, identity=builders.Identity(name=name), **attributes)[0]


def test_each_person_sees_the_studies_of_their_group_alone(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, outsider: Any
) -> None:
    arrived(named("DUPONT^Marie"))
    assert "DUPONT, Marie" in read(signed_in(radiologist).get("/studies/").content).text
    empty = read(signed_in(outsider).get("/studies/").content).text
    assert "DUPONT" not in empty
    assert "No studies have arrived for you yet" in empty


def test_an_administrator_sees_no_study_by_being_administrator(
    signed_in: SignIn, arrived: Arrived, administrator: Any
) -> None:
    arrived(named("DUPONT^Marie"))
    answer = signed_in(administrator).get("/studies/")
    assert answer.status_code == 403
    assert "DUPONT" not in answer.content.decode()


def test_a_stranger_is_led_to_sign_in(installation: Any, client: Any) -> None:
    for path in ("/", "/studies/", "/studies/1.2.3/", "/studies/recent/", "/studies/1.2.3/download/"):
        answer = client.get(path, secure=True, HTTP_HOST="localhost")
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": "dupo"}, {"DUPONT, Marie"}),
        ({"name": "Dupont, mar"}, {"DUPONT, Marie"}),
        ({"name": "marie"}, set()),
        ({"name": "*arie*"}, {"DUPONT, Marie"}),
        ({"patient_id": "B-2"}, {"MARTIN, Jean"}),
        ({"accession": "ACC2"}, {"MARTIN, Jean"}),
        ({"date_from": "2026-02-01"}, {"MARTIN, Jean"}),
        ({"date_to": "2026-02-01"}, {"DUPONT, Marie"}),
        ({"modality": "MR"}, {"MARTIN, Jean"}),
        ({"modality": "'; DROP TABLE"}, {"DUPONT, Marie", "MARTIN, Jean"}),
        ({"date_from": "yesterday"}, {"DUPONT, Marie", "MARTIN, Jean"}),
        ({"name": "dupont", "modality": "MR"}, set()),
    ],
)
def test_filters_find_what_they_say(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, filters: dict[str, str], expected: set[str]
) -> None:
    first, second = named("DUPONT^Marie", StudyDate="20260115"), named("MARTIN^Jean", StudyDate="20260301")
    first.PatientID, second.PatientID = "A-1", "B-2"
    first.AccessionNumber, second.AccessionNumber = "ACC1", "ACC2"
    second.Modality = "MR"
    arrived(first, second)
    page = read(signed_in(radiologist).post("/studies/", filters, HTTP_HX_REQUEST="true").content)
    assert {name for name in ("DUPONT, Marie", "MARTIN, Jean") if name in page.text} == expected
    assert "html" not in {tag for tag, _ in page.elements}, "a fragment was asked for"


def test_without_scripts_the_same_form_gives_a_whole_page(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    arrived(named("DUPONT^Marie"))
    page = read(signed_in(radiologist).post("/studies/", {"name": "dupont"}).content)
    assert "html" in {tag for tag, _ in page.elements}
    assert "DUPONT, Marie" in page.text


def test_a_search_without_the_csrf_token_is_refused(signed_in: SignIn, radiologist: Any) -> None:
    browser = signed_in(radiologist)
    browser.handler.enforce_csrf_checks = True
    assert browser.post("/studies/", {"name": "x"}).status_code == 403


def test_older_and_newer_turn_pages_that_neither_miss_nor_repeat_a_study(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    count = ROWS + 7
    arrived(
        *(
            named(f"N{number:03d}^X", StudyDate=f"2026{1 + number // 28:02d}{1 + number % 28:02d}")
            for number in range(count)
        )
    )
    browser = signed_in(radiologist)
    first = browser.get("/studies/")
    fields = {
        given["name"]: given["value"]
        for tag, given in read(first.content).elements
        if given.get("name") in ("trail", "older")
    }
    second = browser.post("/studies/", fields, HTTP_HX_REQUEST="true")
    seen = [
        {f"N{number:03d}" for number in range(count) if f"N{number:03d}, X" in read(page.content).text}
        for page in (first, second)
    ]
    assert [len(page) for page in seen] == [ROWS, 7]
    assert len(seen[0] | seen[1]) == count
    back = {
        given["name"]: given["value"] for tag, given in read(second.content).elements if given.get("name") == "trail"
    }
    assert "older" not in {given.get("name") for _, given in read(second.content).elements}
    again = browser.post("/studies/", {**back, "turn": "newer"}, HTTP_HX_REQUEST="true")
    assert "N056, X" in read(again.content).text


def test_no_address_of_any_page_holds_a_name_or_an_id(
    signed_in: SignIn, held_back: tuple[Dataset, Held], radiologist: Any, technologist: Any
) -> None:
    ds, _ = held_back
    study = f"/studies/{ds.StudyInstanceUID}/"
    words = [
        part
        for value in (ds.PatientName, ds.PatientID, ds.AccessionNumber, ds.StudyID)
        for part in str(value).split("^")
    ]
    browser, other = signed_in(radiologist), signed_in(technologist)
    pages = [
        browser.get("/studies/"),
        browser.post("/studies/", {"name": words[0]}),
        browser.get(study),
        browser.get(f"{study}download/"),
        other.get(f"{study}held/"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert words[0] in page.content.decode(), "the page names the patient"
        for address in read(page.content).addresses:
            assert not [word for word in words if word in address], address


def test_poisoned_values_are_words_and_never_markup(signed_in: SignIn, arrived: Arrived, radiologist: Any) -> None:
    who = builders.Identity(
        name=f"{POISON}^Eve", patient_id="<b>1</b>", description="<img src=x onerror=alert(1)>", accession='"><i>1'
    )
    (ds,) = arrived(builders.study(slices=1, identity=who)[0])
    browser = signed_in(radiologist)
    for path in ("/studies/", f"/studies/{ds.StudyInstanceUID}/", f"/studies/{ds.StudyInstanceUID}/download/"):
        answer = browser.get(path)
        page = read(answer.content)
        assert POISON in page.text or any(POISON in given.get("data-heading", "") for _, given in page.elements)
        tags = [(tag, given) for tag, given in page.elements if tag in ("img", "i", "b") or "onerror" in given]
        assert tags == []
        scripts = [given for tag, given in page.elements if tag == "script"]
        assert all(given.get("src", "").startswith("/static/") for given in scripts)


def test_a_study_says_that_it_is_receiving_and_then_since_when_it_is_quiet(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    *first, last = builders.study(slices=3)
    arrived(*first)
    browser = signed_in(radiologist)
    assert "receiving, 2 images, last " in read(browser.get("/studies/").content).text
    address = polled(browser)
    assert "receiving, 2 images, last " in read(browser.get(address).content).text
    then = timezone.now() - timedelta(minutes=2)
    Study.objects.update(last_received_at=then)
    quiet = browser.get(address)
    assert f"quiet since {timezone.localtime(then):%H:%M}" in read(quiet.content).text
    tag = quiet.headers["ETag"]
    assert browser.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 304
    arrived(last)
    assert browser.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 200
    Study.objects.update(last_received_at=timezone.now() - timedelta(days=2))
    assert "quiet since" not in read(browser.get("/studies/").content).text


def polled(browser: Client) -> str:
    """The address that this person's newest list asks again and again."""
    elements = read(browser.get("/studies/").content).elements
    (address,) = (given["data-poll"] for _, given in elements if "data-poll" in given)
    return address


def test_what_is_polled_names_nobody_and_keeps_to_the_readers_scope(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, outsider: Any
) -> None:
    (ds,) = arrived(slices=1)
    reader, other = signed_in(radiologist), signed_in(outsider)
    address = polled(reader)
    before = AuditEvent.objects.count()
    told = reader.get(address).content.decode()
    assert ds.StudyInstanceUID.replace(".", "-") in told
    assert str(ds.PatientID) not in told
    assert "state" not in other.get(address).content.decode()
    assert AuditEvent.objects.count() == before


def test_what_is_polled_speaks_only_of_the_studies_that_a_page_shows(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, outsider: Any
) -> None:
    (shown,) = arrived(slices=1)
    Study.objects.update(first_received_at=timezone.now() - timedelta(minutes=1))
    reader, other = signed_in(radiologist), signed_in(outsider)
    address = polled(reader)
    assert "newer" not in reader.get(address).content.decode()
    assert "state" not in reader.get("/studies/recent/").content.decode()
    (new,) = arrived(slices=1)
    told = reader.get(address).content.decode()
    assert shown.StudyInstanceUID.replace(".", "-") in told
    assert new.StudyInstanceUID.replace(".", "-") not in told
    assert '<span class="state" id="newer"></span>' in told
    assert "newer" not in reader.get(polled(reader)).content.decode(), "the new list shows it"
    assert "newer" not in other.get(address).content.decode(), "others hear nothing of it"


def test_a_poll_takes_no_more_studies_than_a_page_has_and_nothing_that_is_no_uid(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    (ds,) = arrived(slices=1)
    reader = signed_in(radiologist)
    mine, fill = f"uid={ds.StudyInstanceUID}", "&".join(f"uid=1.2.{number}" for number in range(ROWS))
    assert "state" in reader.get(f"/studies/recent/?{mine}&{fill}").content.decode()
    assert "state" not in reader.get(f"/studies/recent/?{fill}&{mine}").content.decode()
    hostile = reader.get("/studies/recent/?uid=%00&uid='&since=99999999999999999999&since=%00")
    assert (hostile.status_code, hostile.content.strip()) == (200, b"")


def test_marks_lead_to_what_was_held_back_and_tell_of_other_names(
    signed_in: SignIn, held_back: tuple[Dataset, Held], radiologist: Any
) -> None:
    ds, _ = held_back
    Study.objects.update(identity_differs=True, same_count=1)
    page = read(signed_in(radiologist).get("/studies/").content)
    assert f"/studies/{ds.StudyInstanceUID}/held/" in page.addresses
    for words in ("newer images held back", "other name under this ID", "re-sent in another encoding"):
        assert words in page.text


def test_a_list_is_on_record_with_the_studies_it_showed(signed_in: SignIn, arrived: Arrived, radiologist: Any) -> None:
    arrived(slices=1)
    signed_in(radiologist).get("/studies/")
    event = AuditEvent.objects.filter(action="study:search").latest("seq")
    assert (event.outcome, event.actor_name, event.count) == ("ok", "radiologist", 1)


def test_with_the_record_unwritable_the_list_shows_nothing_and_says_when_to_try_again(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    arrived(named("DUPONT^Marie"))
    browser = signed_in(radiologist)
    with refused_inserts():
        answer = browser.get("/studies/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "DUPONT" not in answer.content.decode()
    assert "Try again in a few seconds" in read(answer.content).text


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        ("", ""),
        ("dupont", "dupont*"),
        ("Dupont, Marie", "Dupont*^Marie*"),
        ("D?PONT", "D?PONT"),
        ("^MARIE", "^MARIE"),
        ("de la Cruz", "de la Cruz*"),
    ],
)
def test_names_become_patterns_as_people_mean_them(typed: str, pattern: str) -> None:
    assert name_pattern(typed) == pattern
