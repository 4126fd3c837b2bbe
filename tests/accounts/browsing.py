"""A browser for tests: it keeps cookies, sends the CSRF token, and can give both factors."""

import base64
import time
from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse
from django.test import Client
from django_otp.oath import hotp

from accounts import factors
from accounts.models import Person, TotpDevice
from tests.conftest import PASSWORD


def code(uri: str, *, steps: int = 0) -> str:
    """The code that an app with this key URI shows, now or some steps of 30 seconds later."""
    seed = base64.b32decode(parse_qs(urlsplit(uri).query)["secret"][0])
    return f"{hotp(seed, int(time.time()) // 30 + steps, 6):06d}"


def fresh_code(person: Person) -> str:
    """A code of the person's app that was not used yet; time is turned back where it was."""
    TotpDevice.objects.filter(user=person).update(last_step=-1, throttling_failure_count=0)
    return code(factors.uri(TotpDevice.objects.get(user=person, confirmed=True)))


class Browser(Client):
    """A client that speaks HTTPS and is checked for CSRF, as a browser is."""

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=True, raise_request_exception=True)
        self.defaults["wsgi.url_scheme"] = "https"
        self.defaults["HTTP_REFERER"] = "https://testserver/"

    def open(self, path: str, **headers: str) -> HttpResponse:
        answer: HttpResponse = self.get(path, secure=True, headers=headers)  # type: ignore[assignment]
        return answer

    def send(self, path: str, **entries: str | list[str]) -> HttpResponse:
        """Post a form with the token that a page of ours would carry."""
        if "__Host-csrf" not in self.cookies:
            self.open("/sign-in/")
        token = self.cookies["__Host-csrf"].value
        answer: HttpResponse = self.post(path, {**entries, "csrfmiddlewaretoken": token}, secure=True)  # type: ignore[assignment]
        return answer

    def give_password(self, person: Person, password: str = PASSWORD) -> HttpResponse:
        return self.send("/sign-in/", username=person.username, password=password)

    def sign_in(self, person: Person) -> "Browser":
        """Give both factors, enrolling the second for the person if there is none."""
        if not factors.enrolled(person):
            factors.issue(person)
        self.give_password(person)
        answer = self.send("/sign-in/code/", code=fresh_code(person))
        assert answer.status_code == 302, answer.content
        return self

    @property
    def session_key(self) -> str:
        return self.cookies["__Host-session"].value
