"""A study's page of fixity: sealed, verified or damaged, with digest and history, and for its readers alone."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts import identify
from archive.fixity import scrub
from archive.models import Finding, Instance
from tests import builders
from tests.archive.browser.conftest import SignIn
from tests.archive.browser.reading import Page, read
from tests.audit.planted import refused_inserts

Arrived = Callable[..., list[Dataset]]
UNKNOWN = "1.2.826.0.1.3680043.8.498.1"


def scrubbed() -> None:
    scrub.run(identify.shell("tests"), tell=lambda now, total: None)


def states(page: Page) -> dict[str, str]:
    """The state of each image that the page lists."""
    return {given["data-image"]: given["data-state"] for tag, given in page.elements if "data-image" in given}


def badge(page: Page) -> dict[str, str]:
    (found,) = [given for _, given in page.elements if given.get("id") == "fixity"]
    return found


@pytest.mark.both_databases
def test_each_image_is_sealed_then_verified_and_a_damaged_one_says_so(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    sent = arrived(slices=3)
    study, uids = f"/studies/{sent[0].StudyInstanceUID}/", [ds.SOPInstanceUID for ds in sent]
    browser = signed_in(radiologist)
    assert states(read(browser.get(f"{study}fixity/").content)) == dict.fromkeys(uids, "sealed")
    assert badge(read(browser.get(study).content))["href"] == f"{study}fixity/"
    scrubbed()
    page = read(browser.get(f"{study}fixity/").content)
    assert states(page) == dict.fromkeys(uids, "verified")
    assert page.text.count("verified on") == 3
    assert "ok" in badge(read(browser.get(study).content))["class"]
    Instance.objects.filter(uid=uids[1]).update(sha256="0" * 64)
    scrubbed()
    page = read(browser.get(f"{study}fixity/").content)
    assert states(page) == {uids[0]: "verified", uids[1]: "damaged", uids[2]: "verified"}
    assert next(iter(states(page))) == uids[1], "what is damaged stands first"
    shell = read(browser.get(study).content)
    assert "bad" in badge(shell)["class"]
    assert "damaged images: 1" in shell.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Its SHA-256 is not the one that was recorded.", "Found damaged", "Damaged since")),
        ("fr", ("Son SHA-256 n’est pas celui qui a été enregistré.", "Constat", "Endommagée depuis")),
    ],
)
def test_a_click_shows_digest_and_history_in_the_readers_language(
    signed_in: SignIn, arrived: Arrived, radiologist: Any, language: str, words: tuple[str, ...]
) -> None:
    (ds,) = arrived(slices=1)
    scrubbed()
    true = Instance.objects.get().sha256
    Instance.objects.update(sha256="0" * 64)
    scrubbed()
    Instance.objects.update(sha256=true)
    scrubbed()
    path = f"/studies/{ds.StudyInstanceUID}/fixity/"
    browser = signed_in(radiologist, language=language)
    assert true not in browser.get(path).content.decode(), "only what was asked for"
    mended = read(browser.get(f"{path}?image={ds.SOPInstanceUID}").content)
    assert true in mended.text
    assert "0" * 64 in mended.text
    assert words[0] in mended.text
    assert words[2] not in mended.text
    Instance.objects.update(sha256="1" * 64)
    scrubbed()
    page = read(browser.get(f"{path}?image={ds.SOPInstanceUID}").content)
    assert [word for word in words if word not in page.text] == []
    assert [given for tag, given in page.elements if given.get("role") == "alert"]
    assert page.text.count(words[0]) == 2 == Finding.objects.count()


def test_every_reason_a_scrub_gives_is_said_in_french() -> None:
    from pathlib import Path

    from django.utils import translation

    from archive import fixity, keyring, openers, stores
    from archive.browser.fixity import ERRORS

    places = (fixity.__file__, openers.__file__, stores.__file__, keyring.__file__)
    sources = [Path(str(place)) for place in places]
    sources[0] = sources[0].with_name("examining.py")
    text = "".join(path.read_text() for path in sources)
    said = [reason for reason in ERRORS if f'"{reason}"' in text]
    assert len(said) >= len(ERRORS) - 1
    with translation.override("fr"):
        assert [reason for reason, french in ERRORS.items() if str(french) == reason] == []


def test_the_history_of_another_studys_image_is_not_shown(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    (mine,), (other,) = arrived(slices=1), arrived(builders.ct_slice())
    scrubbed()
    path = f"/studies/{mine.StudyInstanceUID}/fixity/?image={other.SOPInstanceUID}"
    page = signed_in(radiologist).get(path).content.decode()
    assert Instance.objects.get(uid=other.SOPInstanceUID).sha256 not in page
    assert other.SOPInstanceUID not in page


def test_to_others_the_page_answers_as_for_a_study_that_does_not_exist(
    signed_in: SignIn, arrived: Arrived, outsider: Any
) -> None:
    (ds,) = arrived(slices=1)
    browser = signed_in(outsider)
    foreign = browser.get(f"/studies/{ds.StudyInstanceUID}/fixity/?image={ds.SOPInstanceUID}")
    unknown = browser.get(f"/studies/{UNKNOWN}/fixity/")
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert read(foreign.content).text == read(unknown.content).text


def test_without_the_record_the_page_is_not_shown(signed_in: SignIn, arrived: Arrived, radiologist: Any) -> None:
    (ds,) = arrived(slices=1)
    browser = signed_in(radiologist)
    with refused_inserts():
        answer: Any = browser.get(f"/studies/{ds.StudyInstanceUID}/fixity/")
    assert answer.status_code == 503
    assert ds.SOPInstanceUID not in answer.content.decode()


def test_no_english_stays_on_the_page_of_who_reads_french(
    signed_in: SignIn, arrived: Arrived, radiologist: Any
) -> None:
    from tests.archive.browser.test_every_page import english

    (ds,) = arrived(slices=1)
    Instance.objects.update(sha256="0" * 64)
    scrubbed()
    browser = signed_in(radiologist, language="fr")
    messages = set(english())
    for path in ("", "fixity/", f"fixity/?image={ds.SOPInstanceUID}"):
        shown = {" ".join(w.split()) for w in read(browser.get(f"/studies/{ds.StudyInstanceUID}/{path}").content).words}
        assert shown & messages - {"English"} == set(), path
