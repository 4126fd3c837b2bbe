"""Races, forged links, hosts and addresses, planted sessions: what is tried at the door, and how it fails."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.http.cookie import SimpleCookie

from accounts import attempts, factors
from accounts.factors import sites
from accounts.models import Person, RecoveryCode, Session, TotpDevice
from audit.models import AuditEvent
from pacs.proxies import behind
from tests.accounts.authenticator import Authenticator, Named
from tests.accounts.browsing import Browser, code, fresh_code
from tests.accounts.test_every_route import AFTER_PASSWORD, OPEN, SHUT, ask, is_refused, path_of

pytestmark = pytest.mark.usefixtures("installation")
FIFTY = 50


def half_signed_in(person: Person, how_many: int) -> list[Browser]:
    """Browsers with a session each in which the password alone was given."""
    browsers = [Browser() for _ in range(how_many)]
    for browser in browsers:
        browser.give_password(person)
    return browsers


def signed_in_at_once(browsers: list[Browser], typed: str) -> int:
    """Send one code from all of them at the same time; how many were let in."""

    def send(browser: Browser) -> bool:
        try:
            return browser.send("/sign-in/code/", code=typed).status_code == HTTPStatus.FOUND
        finally:
            connection.close()

    with ThreadPoolExecutor(len(browsers)) as pool:
        return list(pool.map(send, browsers)).count(True)


@pytest.mark.both_databases
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_fifty_sessions_that_give_one_code_at_once_are_one_sign_in(
    radiologist: Person, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, codes = factors.issue(radiologist)
    monkeypatch.setattr("accounts.passwords.right", lambda *_given: True)  # Fifty hashes prove nothing here.
    browsers = half_signed_in(radiologist, FIFTY)
    assert Session.objects.filter(person=radiologist).count() == FIFTY
    assert signed_in_at_once(browsers, code(uri) if kind == "code" else codes[0]) == 1
    assert Session.objects.filter(person=radiologist, verified_at__isnull=False).count() == 1
    assert AuditEvent.objects.filter(action="person:sign-in", outcome="ok").count() == 1


@pytest.mark.both_databases
def test_fifty_parallel_uses_of_one_recovery_code_let_one_in(radiologist: Person) -> None:
    """Without an app beside it, so that nothing but the code itself stands in the way."""
    _uri, codes = factors.issue(radiologist)
    TotpDevice.objects.all().delete()

    def use(_turn: int) -> bool:
        try:
            return factors.prove(radiologist, codes[0]) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(FIFTY) as pool:
        assert list(pool.map(use, range(FIFTY))).count(True) == 1
    assert RecoveryCode.objects.exclude(used_at=None).count() == 1


ELSEWHERE = (
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "\\/evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r\n/evil.test",
    "\t//evil.test",
    " //evil.test",
    "\x00//evil.test",
    "\u00a0//evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https://evil.test",
    "HTTPS://evil.test",
    "http:///evil.test",
    "//user@evil.test",
    "//localhost@evil.test",
    "https://testserver@evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.test",
    "",
)


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_no_spelling_leads_elsewhere(radiologist: Person, wanted: str) -> None:
    factors.issue(radiologist)
    browser = Browser()
    browser.give_password(radiologist)
    for path in ("/sign-in/code/", "/step-up/"):
        answer = browser.send(path, code=fresh_code(radiologist), next=wanted)
        assert answer["Location"] == "/", path


@pytest.mark.parametrize(
    "wanted", ["/%2F/evil.test", "/%5Cevil.test", "/x/..//evil.test", "/studies/?next=//evil.test"]
)
def test_what_stays_on_our_host_is_followed_as_it_is(radiologist: Person, wanted: str) -> None:
    factors.issue(radiologist)
    browser = Browser()
    browser.give_password(radiologist)
    answer = browser.send("/sign-in/code/", code=fresh_code(radiologist), next=wanted)
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith(("//", "/\\"))


def test_a_host_that_is_not_ours_is_not_answered(radiologist: Person, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    for host in ("evil.test", "localhost.evil.test", "localhost:8443@evil.test", "evil.test:8443", "local host", ""):
        answer = Browser().get("/sign-in/", secure=True, HTTP_HOST=host)
        assert answer.status_code == HTTPStatus.BAD_REQUEST, host
    answer = Browser().get("/studies/", secure=True, HTTP_HOST="localhost", HTTP_X_FORWARDED_HOST="evil.test")
    assert "evil" not in answer["Location"]


def test_a_port_that_the_request_claims_is_no_place_of_a_passkey(radiologist: Person) -> None:
    place = sites.site("localhost:9999")
    assert place is not None
    assert "https://localhost:9999" not in place.origins
    browser = Named()
    browser.defaults["HTTP_HOST"] = "localhost:9999"
    browser.defaults["HTTP_REFERER"] = "https://localhost:9999/"
    browser.give_password(radiologist)
    answer = browser.make(Authenticator(), "/sign-in/enrol/", origin="https://localhost:9999")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


class Proxied(Browser):
    """A browser whose requests go through what stands before Django: who is asking is settled there."""

    def __init__(self, peer: str, trusted: str = "", **headers: str) -> None:
        super().__init__()
        self.networks = (ip_network(trusted),) if trusted else ()
        self.defaults.update({"REMOTE_ADDR": peer, **headers})

    def _base_environ(self, **request: Any) -> dict[str, Any]:
        environ: dict[str, Any] = super()._base_environ(**request)  # type: ignore[misc]
        settled = behind(lambda _environ, _start: [b""], self.networks, tls="self")
        settled(environ, lambda _status, _headers: None)
        return environ


def test_nobody_changes_addresses_by_saying_so(radiologist: Person) -> None:
    for number in range(attempts.FREE):
        told = f"10.0.0.{number}"
        liar = Proxied("192.0.2.7", HTTP_X_FORWARDED_FOR=told, HTTP_X_REAL_IP=told, HTTP_FORWARDED=f"for={told}")
        liar.give_password(radiologist, "wrong password!")
    assert Proxied("192.0.2.7", HTTP_X_FORWARDED_FOR="10.0.0.99").give_password(radiologist).status_code == 422
    addresses = AuditEvent.objects.filter(action="person:sign-in").values_list("actor_address", flat=True)
    assert set(addresses) == {"192.0.2.7"}


def test_behind_a_trusted_proxy_the_address_next_to_it_counts_whatever_is_put_before(radiologist: Person) -> None:
    for number in range(attempts.FREE):
        chain = f"10.0.0.{number}, 198.51.100.9"
        Proxied("192.0.2.1", "192.0.2.1/32", HTTP_X_FORWARDED_FOR=chain).give_password(radiologist, "wrong password!")
    held = Proxied("192.0.2.1", "192.0.2.1/32", HTTP_X_FORWARDED_FOR="10.0.0.99, 198.51.100.9")
    assert held.give_password(radiologist).status_code == 422
    other = Proxied("192.0.2.1", "192.0.2.1/32", HTTP_X_FORWARDED_FOR="198.51.100.10")
    assert other.give_password(radiologist).status_code == 302
    addresses = AuditEvent.objects.filter(action="person:sign-in").values_list("actor_address", flat=True)
    assert set(addresses) == {"198.51.100.9"}


def flags(cookies: SimpleCookie) -> dict[str, tuple[Any, ...]]:
    names = ("secure", "httponly", "samesite", "path", "domain")
    return {name: tuple(cookie[flag] for flag in names) for name, cookie in cookies.items()}


def test_every_cookie_is_bound_to_this_host_and_out_of_reach_of_scripts(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    browser.send("/language/", language="fr")
    found = flags(browser.cookies)
    assert {"__Host-session", "__Host-csrf", "__Host-browser"} <= set(found)
    for name, value in found.items():
        assert name.startswith("__Host-"), name
        assert value == (True, True, "Lax", "/", ""), name


@pytest.mark.parametrize("route", sorted(OPEN - {"healthz", "readyz"}))
def test_no_open_form_is_taken_without_its_token(radiologist: Person, route: str) -> None:
    factors.issue(radiologist)
    before = AuditEvent.objects.count()
    entries = {"username": "radiologist", "password": "correct horse battery staple", "token": "x", "language": "fr"}
    for form in (entries, {**entries, "csrfmiddlewaretoken": "a" * 64}):
        browser = Browser()
        answer = browser.post("/" + route, form, secure=True)
        assert answer.status_code == HTTPStatus.FORBIDDEN, route
        assert "__Host-session" not in browser.cookies
    foreign = Browser()
    foreign.open("/sign-in/")
    form = {**entries, "csrfmiddlewaretoken": foreign.cookies["__Host-csrf"].value}
    for sent_from in ("https://evil.test", "null", "https://testserver.evil.test", "http://testserver"):
        answer = foreign.post("/" + route, form, secure=True, HTTP_ORIGIN=sent_from)
        assert answer.status_code == HTTPStatus.FORBIDDEN, (route, sent_from)
    assert AuditEvent.objects.count() == before


def test_without_its_token_no_form_of_ours_changes_anything(administrator: Person) -> None:
    browser = Browser().sign_in(administrator)
    before = AuditEvent.objects.count()
    for route in SHUT:
        answer = browser.post(path_of(route), {"name": "x", "language": "fr"}, secure=True)
        assert answer.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED), route
    assert AuditEvent.objects.count() == before
    assert browser.open("/me/").status_code == HTTPStatus.OK


@pytest.mark.timeout(300)
@pytest.mark.parametrize("initial", [True, False])
def test_nothing_is_reached_before_a_second_factor_is_enrolled(radiologist: Person, initial: bool) -> None:
    Person.objects.filter(pk=radiologist.pk).update(password_is_initial=initial)
    browser = Named()
    browser.give_password(radiologist)
    browser.handler.enforce_csrf_checks = False
    for route in (route for route in SHUT if route not in AFTER_PASSWORD):
        for method in ("GET", "POST"):
            answer = ask(browser, method, path_of(route))
            assert is_refused(answer), (method, route, answer.status_code)
    # The way to a first passkey is part of enrolling; a password that somebody else knows does not lead there.
    offered = HTTPStatus.NOT_FOUND if initial else HTTPStatus.OK
    assert ask(browser, "POST", "/passkeys/ask/").status_code == HTTPStatus.NOT_FOUND
    assert ask(browser, "POST", "/passkeys/offer/").status_code == offered
    assert not Session.objects.filter(verified_at__isnull=False).exists()
