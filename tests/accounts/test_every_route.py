"""Every route of the program is shut to strangers and to half-signed-in people, but for a list written by hand.

A new route needs nothing here unless it is to stand open; a converter that is new needs a sample.
"""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.urls.resolvers import RoutePattern

from accounts import factors
from accounts.models import Person
from audit.models import AuditEvent
from tests.accounts.browsing import Browser

OPEN = {
    "healthz",
    "readyz",
    "sign-in/",
    "sign-in/password/",
    "sign-in/code/",
    "sign-in/enrol/",
    "setup/",
    "shared/",
    "language/",
}
AFTER_PASSWORD = {"passkeys/ask/", "passkeys/offer/"}
UID = "1.2.840.113619.2.1"
SAMPLES = {"uuid": str(uuid4()), "slug": "abc", "str": UID, "uid": UID, "path": "a/b", "int": "1", "tags": "7FE00010"}


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Every route as its pattern is written, such as `people/<uuid:person_id>/`."""
    for pattern in patterns:
        assert isinstance(pattern.pattern, RoutePattern), f"{pattern} is no plain route: teach this test about it"
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def path_of(route: str) -> str:
    """A path that the route matches."""
    parts = []
    for part in route.split("<"):
        converter, closing, rest = part.partition(">")
        if not closing:
            parts.append(part)
            continue
        kind = converter.partition(":")[0] if ":" in converter else "str"
        parts.append(SAMPLES.get(kind, "1") + rest)
    return "/" + "".join(parts)


ROUTES = sorted(set(routes(get_resolver("pacs.urls").url_patterns)))
SHUT = [route for route in ROUTES if route not in OPEN]


def is_refused(answer: HttpResponse) -> bool:
    """To the sign-in page, 401, or no such way of asking at all; never anything of ours."""
    if answer.status_code == 302:
        return answer["Location"].startswith("/sign-in/")
    return answer.status_code == 401


@pytest.fixture
def stranger(installation: object) -> Browser:
    browser = Browser()
    browser.handler.enforce_csrf_checks = False
    return browser


@pytest.fixture
def half(radiologist: Person) -> Browser:
    factors.issue(radiologist)
    browser = Browser()
    browser.give_password(radiologist)
    browser.handler.enforce_csrf_checks = False
    return browser


def ask(browser: Browser, method: str, path: str, **headers: str) -> HttpResponse:
    answer: HttpResponse = browser.generic(method, path, secure=True, headers=headers)  # type: ignore[assignment]
    return answer


def test_the_walk_sees_the_routes_of_every_room() -> None:
    assert {"studies/", "people/", "record/", "dicom-web/studies"} <= set(ROUTES)
    assert len(ROUTES) > 30
    assert set(ROUTES) >= OPEN
    for route in ROUTES:
        assert resolve(path_of(route)).route == route, f"{route}: its converter needs a sample"


@pytest.mark.parametrize("route", SHUT)
def test_a_stranger_is_refused(stranger: Browser, route: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = ask(stranger, method, path_of(route))
        assert is_refused(answer), (method, route, answer.status_code)


@pytest.mark.parametrize("route", [route for route in SHUT if route not in AFTER_PASSWORD])
def test_a_password_alone_is_refused(half: Browser, route: str) -> None:
    for method in ("GET", "POST"):
        answer = ask(half, method, path_of(route))
        assert is_refused(answer), (method, route, answer.status_code)


@pytest.mark.parametrize("header", ["Bearer custos_wrong", "Basic eDp5", "Basic %%%", "Digest x", "Bearer"])
def test_a_wrong_token_is_refused_everywhere_whatever_the_cookie_says(radiologist: Person, header: str) -> None:
    browser = Browser().sign_in(radiologist)
    assert browser.open("/me/").status_code == 200
    for route in SHUT:
        answer = ask(browser, "GET", path_of(route), Authorization=header)
        assert is_refused(answer), (route, answer.status_code)


def test_strangers_are_on_record_but_cannot_flood_it(stranger: Browser) -> None:
    before = AuditEvent.objects.count()
    for _time in range(30):
        stranger.open("/studies/")
    rows = AuditEvent.objects.filter(action="page:refused", outcome="denied")
    assert rows.count() >= 1
    assert AuditEvent.objects.count() <= before + 3


def test_programs_hear_401_in_their_own_words(stranger: Browser) -> None:
    answer = stranger.open("/dicom-web/studies")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"
    fragment = stranger.open("/studies/", **{"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (401, "/sign-in/")


@pytest.mark.parametrize("route", SHUT)
def test_a_cookie_alone_changes_nothing_without_the_csrf_token(radiologist: Person, route: str) -> None:
    browser = Browser().sign_in(radiologist)
    for kind in ("application/x-www-form-urlencoded", "text/plain", 'multipart/related; type="application/dicom"'):
        answer = browser.post(path_of(route), b"x=1", content_type=kind, secure=True)
        assert answer.status_code in (403, 405), (route, kind, answer.status_code)


@pytest.mark.parametrize("route", sorted(OPEN - {"language/", "readyz"}))
def test_the_open_doors_are_open(stranger: Browser, route: str) -> None:
    answer = stranger.open("/" + route)
    further = {"sign-in/password/", "sign-in/code/", "sign-in/enrol/"}
    assert answer.status_code == (302 if route in further else 200)
