"""A shared link in the browser of whoever was given it: the way in, what it opens, and what it leaves behind."""

import json
from html.parser import HTMLParser

import pytest
from django.http import HttpResponse

from accounts.models import Person, Role, Session, SharedLink
from audit.models import AuditEvent
from tests import builders
from tests.accounts.browsing import Browser
from tests.accounts.test_every_route import ROUTES, path_of
from tests.completeness.studies import stored

WISH = {"recipient": "Dr Ohne Konto", "number": "7", "unit": "days", "reason": "A second opinion."}
OF_ALL = {"healthz", "readyz", "setup/", "shared/", "language/", "me/alive/"}


class Halves(HTMLParser):
    """The address and the passphrase on the page that shows them once."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._at = ""
        self.feed(page.decode())

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._at = dict(attrs).get("id") or ""

    def handle_data(self, data: str) -> None:
        if self._at in ("address", "passphrase"):
            self.found.setdefault(self._at, data)


@pytest.fixture
def names(radiologist: Person) -> dict[str, str]:
    role = Role.objects.get(name="clinician")
    role.permissions = [*role.permissions, "study.share"]
    role.save()
    return dict(stored(builders.ct_slice()))


@pytest.fixture
def sharer(names: dict[str, str], radiologist: Person) -> Browser:
    return Browser().sign_in(radiologist)


def made(sharer: Browser, names: dict[str, str], **more: str) -> tuple[str, str]:
    answer = sharer.send(f"/studies/{names['study']}/share/", **WISH, **more)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    found = Halves(answer.content).found
    address, _, token = found["address"].partition("#")
    assert address == "https://testserver/shared/"
    return token, found["passphrase"]


def come(halves: tuple[str, str], browser: Browser | None = None) -> tuple[Browser, HttpResponse]:
    browser = browser or Browser()
    return browser, browser.send("/shared/", token=halves[0], passphrase=halves[1])


def test_both_halves_open_the_study_in_the_viewer(sharer: Browser, names: dict[str, str]) -> None:
    browser, answer = come(made(sharer, names))
    assert answer["Location"] == f"/studies/{names['study']}/"
    page = browser.open(answer["Location"])
    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store"
    text = page.content.decode()
    for absent in ("/fixity/", "/download/", "/trash/", "/grant/", "/share/", "priors.json", 'href="/studies/"'):
        assert absent not in text
    web = f"/dicom-web/studies/{names['study']}"
    series = f"{web}/series/{names['series']}"
    frame = f"{series}/instances/{names['sop']}/frames/1"
    for path in (f"{web}/series", f"{series}/metadata", f"{series}/thumbnail", frame):
        assert browser.open(path).status_code == 200, path
    shown = {"displayed": [[names["series"], names["sop"], 1]]}
    token = browser.cookies["__Host-csrf"].value
    told = browser.post(
        f"/studies/{names['study']}/displayed/",
        json.dumps(shown),
        content_type="application/json",
        secure=True,
        headers={"X-CSRFToken": token},
    )
    assert told.status_code == 204


def test_to_a_link_every_other_door_is_as_one_that_is_not_there(sharer: Browser, names: dict[str, str]) -> None:
    browser, _ = come(made(sharer, names, download="yes"))
    own = {"studies/<str:study_uid>/", "studies/<str:study_uid>/displayed/", "studies/<str:study_uid>/download/"}
    web = {"series", "series/<uid:series>/metadata", "series/<uid:series>/thumbnail"}
    frames = "series/<uid:series>/instances/<uid:instance>/frames/<str:numbers>"
    own |= {f"dicom-web/studies/<uid:study>/{one}" for one in (*web, frames)} | {"sign-out/", ""}
    browser.handler.enforce_csrf_checks = False
    nowhere = browser.open("/there/is/no/such/page/")
    for route in ROUTES:
        if route in OF_ALL | own or route.startswith("sign-in/"):
            continue
        for method in ("GET", "POST"):
            answer = browser.generic(method, path_of(route), secure=True)
            assert answer.status_code == nowhere.status_code == 404, (method, route, answer.status_code)
    assert browser.open("/studies/").content.split(b"csrf")[0] == nowhere.content.split(b"csrf")[0]
    assert AuditEvent.objects.filter(action="page:refused", actor_kind="link", outcome="denied").exists()


def test_another_study_is_to_a_link_as_an_unknown_one(sharer: Browser, names: dict[str, str]) -> None:
    other = stored(builders.ct_slice())
    browser, _ = come(made(sharer, names, download="yes"))
    pages = ("/studies/{study}/", "/studies/{study}/download/")
    for path in (*pages, "/dicom-web/studies/{study}/series/{series}/metadata"):
        theirs, none = (browser.open(path.format(**uids)) for uids in (other, {"study": "1.2.3", "series": "1.2.4"}))
        assert theirs.status_code == none.status_code == 404, path
        assert len(theirs.content) == len(none.content), path
    found = browser.open(f"/dicom-web/studies/{other['study']}/series")
    assert (found.status_code, json.loads(found.content)) == (200, [])
    assert browser.open(f"/dicom-web/studies/{names['study']}/series?StudyInstanceUID={other['study']}").content != b""


def test_download_only_where_it_was_allowed(sharer: Browser, names: dict[str, str]) -> None:
    path = f"/studies/{names['study']}/download/"
    allowed, _ = come(made(sharer, names, download="yes"))
    assert b"/download/" in allowed.open(f"/studies/{names['study']}/").content
    answer = allowed.send(path, purpose="care")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)[:2] == b"PK"  # type: ignore[attr-defined]
    assert AuditEvent.objects.get(action="study:download").actor_kind == "link"
    viewing, _ = come(made(sharer, names))
    assert viewing.send(path, purpose="care").status_code == 403
    assert viewing.open(f"/dicom-web/studies/{names['study']}").status_code == 404


@pytest.mark.parametrize("wrong", ["token", "passphrase", "ended", "expired"])
def test_whatever_is_wrong_the_answer_is_one(sharer: Browser, names: dict[str, str], wrong: str) -> None:
    token, passphrase = made(sharer, names)
    unknown = come(("unknown", "unknown"))[1]
    if wrong == "ended":
        sharer.send(f"/shares/{SharedLink.objects.get().id}/end/")
    elif wrong == "expired":
        SharedLink.objects.update(until=SharedLink.objects.get().at)
    halves = (token + "x" * (wrong == "token"), passphrase + "x" * (wrong == "passphrase"))
    browser, answer = come(halves)
    assert (answer.status_code, unknown.status_code) == (422, 422)
    assert _without_what_was_typed(answer, halves) == _without_what_was_typed(unknown, ("unknown", "unknown"))
    assert browser.open(f"/studies/{names['study']}/")["Location"].startswith("/sign-in/")


def _without_what_was_typed(answer: HttpResponse, typed: tuple[str, str]) -> list[bytes]:
    lines = answer.content.replace(typed[0].encode(), b"").splitlines()
    return [line for line in lines if b"csrf" not in line]


def test_the_session_gets_a_key_of_its_own_whatever_the_browser_brought(
    sharer: Browser, names: dict[str, str], radiologist: Person
) -> None:
    """Whoever planted a key in the browser, or was signed in there, holds nothing afterwards."""
    halves = made(sharer, names)
    other = Browser()
    other.give_password(radiologist)
    before = other.session_key
    _, answer = come(halves, other)
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert other.session_key != before
    thief = Browser()
    thief.cookies["__Host-session"] = before
    assert thief.open(f"/studies/{names['study']}/").status_code == 302
    kept = Session.objects.get(link__isnull=False)
    assert kept.person is None
    assert other.open("/me/").status_code == 404


def test_the_form_is_sent_with_the_token_of_the_page_alone(sharer: Browser, names: dict[str, str]) -> None:
    token, passphrase = made(sharer, names)
    browser = Browser()
    page = browser.open("/shared/")
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"
    assert b'name="robots" content="noindex"' in page.content
    forged = browser.post("/shared/", {"token": token, "passphrase": passphrase}, secure=True)
    assert forged.status_code == 403
    assert browser.open(f"/shared/?token={token}&passphrase={passphrase}").status_code == 200
    assert not Session.objects.filter(link__isnull=False).exists()


def test_ending_a_link_puts_its_screens_out(sharer: Browser, names: dict[str, str]) -> None:
    browser, _ = come(made(sharer, names))
    told = json.loads(browser.open("/me/alive/").content)
    link = SharedLink.objects.get()
    assert (told["who"], told["locked"], told["locks"] == told["ends"]) == (str(link.id), False, True)
    page = sharer.open("/shares/")
    assert "Dr Ohne Konto" in page.content.decode()
    assert sharer.send(f"/shares/{link.id}/end/")["Location"] == "/shares/"
    assert browser.open("/me/alive/").status_code == 401
    assert browser.open(f"/studies/{names['study']}/")["Location"].startswith("/sign-in/")
    frame = f"/dicom-web/studies/{names['study']}/series/{names['series']}/instances/{names['sop']}/frames/1"
    assert browser.open(frame).status_code == 401


def test_a_reader_leaves_and_the_key_is_dead(sharer: Browser, names: dict[str, str]) -> None:
    browser, _ = come(made(sharer, names))
    thief = Browser()
    thief.cookies["__Host-session"] = browser.session_key
    assert browser.send("/sign-out/")["Location"] == "/shared/"
    assert thief.open(f"/studies/{names['study']}/").status_code == 302
    assert AuditEvent.objects.get(action="person:sign-out").actor_kind == "link"


def test_who_may_not_share_finds_no_way_to_it(radiologist: Person) -> None:
    names = stored(builders.ct_slice())
    browser = Browser().sign_in(radiologist)
    assert b"/share/" not in browser.open(f"/studies/{names['study']}/").content
    assert b"/shares/" not in browser.open("/me/").content
    assert browser.send(f"/studies/{names['study']}/share/", **WISH).status_code == 403
    assert not SharedLink.objects.exists()
