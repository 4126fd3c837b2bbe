"""What holds on every page, whoever's room it is: headers, languages, no mark-up of strangers, a way back."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts import approvals, callers, resetting
from accounts.models import BreakGlass, Destroyed, Device, Group, Person, Role
from archive.models import Held
from tests.archive.browser.conftest import SignIn
from tests.archive.browser.reading import read
from tests.archive.removal.conftest import Doomed, doomed, keeper, sender

__all__ = ["doomed", "keeper", "sender"]
CATALOGUE = Path(settings.BASE_DIR) / "locale" / "fr" / "LC_MESSAGES" / "django.po"
STYLES = Path(settings.BASE_DIR) / "static" / "css"


@pytest.fixture
def pages(
    signed_in: SignIn,
    held_back: tuple[Dataset, Held],
    radiologist: Any,
    technologist: Any,
    administrator: Any,
    privacy_officer: Any,
    doomed: Doomed,
    keeper: Any,
    actor_of: Callable[[Any], Any],
    outsider: Any,
) -> Callable[[str], Iterator[tuple[str, Any]]]:
    """Every page that a person meets, with the answer in one language."""
    study = f"/studies/{held_back[0].StudyInstanceUID}/"
    sharers = Role.objects.create(name="sharer", permissions=["study.share"])
    radiologist.roles.add(sharers)
    row = Destroyed.objects.create(study_uid="1.2.3", note="of another installation")
    certificate = f"/destruction/certificates/{row.id}/"
    callers.note("STRANGER", "10.0.0.7", "CUSTOS", "calling-title")
    machines = [
        "/devices/",
        "/devices/callers/",
        "/devices/equipment/",
        "/devices/new/",
        f"/devices/{Device.objects.get(ae_title='CT_ONE').id}/",
    ]
    role, group = Role.objects.get(name="clinician").id, Group.objects.get(name="Radiology").id
    asked = approvals.ask(actor_of(administrator), resetting.NAME, str(radiologist.id), concerns=radiologist.id)
    person = f"/people/{radiologist.id}/"
    giving = ["/groups/", "/groups/rules/", f"/groups/{group}/", "/approvals/", f"/approvals/{asked}/"]
    giving += ["/roles/", "/roles/new/", f"/roles/{role}/", f"/roles/{role}/clone/", person, f"{person}disable/"]
    reports = ["/record/patients/", f"/record/patients/{'ab' * 16}/", "/record/mine/"]
    glass = ["/break-glass/reviews/", f"/break-glass/reviews/{broken().id}/", "/break-glass/shares/"]
    of = {
        radiologist: [
            *(
                "/break-glass/",
                "/studies/",
                "/shares/",
                f"{study}share/",
                study,
                f"{study}download/",
                "/studies/1.2.3/",
                "/people/",
                "/me/",
            ),
            *("/me/passkeys/", "/me/app/"),
        ],
        technologist: [f"{study}held/", f"{study}trash/", "/trash/"],
        administrator: [
            *("/people/", "/people/new/", "/record/alerts/", "/sessions/", "/tokens/"),
            *machines,
            *giving,
            f"/people/{outsider.id}/spellings/",
        ],
        privacy_officer: [
            *(
                "/record/",
                "/record/alerts/",
                "/record/health/",
                "/holds/",
                "/restricted/",
                "/people/locked/",
                "/roles/",
                f"/roles/{role}/",
            ),
            *reports,
            *glass,
        ],
        outsider: ["/studies/"],
        keeper: ["/destruction/", "/destruction/certificates/", f"/studies/{doomed.uid}/destroy/", certificate],
    }

    def answers(language: str) -> Iterator[tuple[str, Any]]:
        for person, paths in of.items():
            browser = signed_in(person, fresh=True, language=language)
            for path in paths:
                yield path, browser.get(path)
        stranger = Client(HTTP_HOST="localhost", HTTP_ACCEPT_LANGUAGE=language)
        yield "/sign-in/", stranger.get("/sign-in/", secure=True)
        yield "/shared/", stranger.get("/shared/", secure=True)

    return answers


def test_nothing_of_a_page_may_be_kept_framed_or_run_from_elsewhere(pages: Any) -> None:
    for path, answer in pages("en"):
        policy = answer.headers["Content-Security-Policy"]
        given = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
        assert given["default-src"] == "'none'", path
        assert given["script-src"] == "'self' 'wasm-unsafe-eval'", path
        assert given["style-src"] == "'self'", path
        assert given["frame-ancestors"] == given["base-uri"] == given["object-src"] == "'none'", path
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Referrer-Policy"] == "same-origin", path


def test_no_page_holds_a_script_a_style_or_a_handler_of_its_own(pages: Any) -> None:
    for path, answer in pages("en"):
        for tag, given in read(answer.content).elements:
            assert tag != "style", path
            assert tag != "script" or given["src"].startswith("/static/"), path
            assert not [name for name in given if name.startswith("on") or name == "style"], (path, tag, given)


def broken() -> BreakGlass:
    """The outsider's emergency access, still open, so that its banner is on the outsider's pages."""
    person = Person.objects.get(username="outsider")
    now = timezone.now()
    times = {"opened_at": now, "until": now + timedelta(hours=1)}
    return BreakGlass.objects.create(person=person.id, patient="ab" * 16, reason="emergency", event=uuid4(), **times)


def english() -> dict[str, str]:
    """Every English message whose French differs, with its French."""
    with CATALOGUE.open("rb") as file:
        messages = [message for message in read_po(file, locale="fr") if message.id]
    pairs = {_first(message.id): _first(message.string) for message in messages}
    # Pages are read with their blanks folded, the unbreakable ones too.
    return {source: " ".join(french.split()) for source, french in pairs.items() if source != french}


def _first(text: Any) -> str:
    """The text itself, or the singular of one that has a plural."""
    return text if isinstance(text, str) else str(text[0])


def test_no_page_shows_an_english_message_to_who_reads_french(pages: Any) -> None:
    messages = english()
    assert len(messages) > 200
    for path, answer in pages("fr"):
        page = read(answer.content)
        assert [given["lang"] for tag, given in page.elements if tag == "html"] == ["fr"], path
        shown = {" ".join(words.split()) for words in page.words}
        # Each language is named in itself on the switch, and people keep their user names.
        kept = {"English", *Person.objects.values_list("username", flat=True)}
        assert (shown & set(messages)) - kept == set(), path


def test_no_page_shows_a_french_message_to_who_reads_english(pages: Any) -> None:
    french = set(english().values())
    for path, answer in pages("en"):
        shown = {" ".join(words.split()) for words in read(answer.content).words}
        assert (shown & french) - {"Français"} == set(), path


def test_every_page_names_itself_says_its_language_and_can_be_left(pages: Any) -> None:
    for path, answer in pages("en"):
        page = read(answer.content)
        tags = [tag for tag, _ in page.elements]
        assert tags.count("main") == 1, path
        assert "h1" in tags or '<main id="viewer"' in answer.content.decode(), path
        labelled = {given["for"] for tag, given in page.elements if tag == "label" and "for" in given}
        for tag, given in page.elements:
            if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "radio", "checkbox"):
                assert given.get("id") in labelled or "aria-label" in given, (path, given)


def test_the_language_switch_lasts_for_strangers_and_for_people(signed_in: SignIn, radiologist: Any) -> None:
    stranger = Client(HTTP_HOST="localhost")
    answer = stranger.post("/language/", {"language": "fr", "next": "/sign-in/"}, secure=True)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/")
    assert "Connexion" in stranger.get("/sign-in/", secure=True).content.decode()
    browser = signed_in(radiologist)
    browser.post("/language/", {"language": "fr", "next": "/studies/"})
    assert Person.objects.get(pk=radiologist.pk).language == "fr"
    assert "Examens" in read(browser.get("/studies/").content).text


def test_the_language_switch_leads_nowhere_else(installation: Any) -> None:
    stranger = Client(HTTP_HOST="localhost")
    answer = stranger.post("/language/", {"language": "fr", "next": "https://evil.test/"}, secure=True)
    assert answer.headers["Location"] == "/"


def test_each_role_is_offered_its_own_pages_and_led_to_its_first(
    signed_in: SignIn, radiologist: Any, administrator: Any, privacy_officer: Any, keeper: Any
) -> None:
    expected = {
        radiologist: ("/studies/", {"/studies/", "/me/"}),
        administrator: ("/people/", {"/record/alerts/", "/people/", "/roles/", "/groups/", "/devices/", "/me/"}),
        privacy_officer: ("/record/", {"/record/", "/record/alerts/", "/roles/", "/me/"}),
        keeper: ("/destruction/", {"/destruction/", "/me/"}),
    }
    for person, (first, offered) in expected.items():
        browser = signed_in(person)
        assert browser.get("/").headers["Location"] == first
        page = read(browser.get("/me/").content)
        rooms = {
            "/studies/",
            "/destruction/",
            "/record/",
            "/record/alerts/",
            "/people/",
            "/roles/",
            "/groups/",
            "/devices/",
            "/me/",
        }
        assert set(page.addresses) & rooms == offered


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def tokens(theme: str) -> dict[str, str]:
    """The colours of one theme, read from the style sheet."""
    sheet = (STYLES / "tokens.css").read_text()
    blocks = sheet.split("}")
    block = blocks[1] if theme == "light" else blocks[0]
    lines = [line.strip().rstrip(";").split(": ") for line in block.splitlines() if line.strip().startswith("--")]
    return {name: value for name, value in lines if value.startswith("#")}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_words_stand_out_from_their_ground_as_wcag_aa_asks(theme: str) -> None:
    colours = tokens(theme)
    pairs = [(text, ground) for text in ("text", "muted", "accent") for ground in ("ground", "surface", "raised")]
    pairs += [(mark, f"{mark}-ground") for mark in ("ok", "warn", "bad")]
    pairs += [("on-accent", "accent"), ("on-danger", "danger"), ("bad", "surface"), ("text", "selected")]
    for text, ground in pairs:
        light, dark = sorted((luminance(colours[f"--{text}"]), luminance(colours[f"--{ground}"])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
