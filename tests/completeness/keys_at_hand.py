"""People with passkeys, and browsers that have asked for a challenge: what rows about passkeys begin with."""

import secrets
from collections.abc import Callable
from typing import Final

from django.test import Client
from django.utils import timezone

from accounts import factors, sessions
from accounts.factors import passkeys
from accounts.models import Group, Person, Role, Session
from tests import builders
from tests.accounts.authenticator import HOST, Authenticator
from tests.accounts.browsing import code
from tests.completeness.studies import Names


def _person() -> Person:
    made = Person.objects.create(
        username=builders.word().lower(), password=Person.objects.get(username="radiologist").password
    )
    made.roles.add(Role.objects.get(name="clinician"))
    made.groups.add(Group.objects.get(name="Radiology"))
    return made


def _browser(person: Person, *, half: bool) -> tuple[Client, str]:
    key, now = secrets.token_urlsafe(24), timezone.now()
    browser = Client(HTTP_HOST=HOST)
    browser.defaults["wsgi.url_scheme"] = "https"
    proved = None if half else now
    row = Session.objects.create(
        session_key=sessions.row_key(key),
        session_data=sessions.SessionStore().encode({}),
        expire_date=now + sessions.ABSOLUTE,
        person=person,
        address="127.0.0.1",
        seen_at=now,
        verified_at=proved,
        stepped_up_at=proved,
    )
    browser.cookies["__Host-session"] = key
    return browser, row.pk


def _keep(person: Person, key: Authenticator) -> str:
    offered = passkeys.offer(person, "before", HOST)
    assert offered is not None
    made = passkeys.made("before", HOST, key.make(offered))
    assert made is not None
    kept = passkeys.keep(person, *made)
    assert kept is not None
    return str(kept.id)


def proving(*, half: bool, lying: bool = False) -> Callable[[], Names]:
    """Somebody with a passkey alone, whose browser holds the answer to a challenge of its session."""

    def prepared() -> Names:
        person, key = _person(), Authenticator()
        kept = _keep(person, key)
        browser, row = _browser(person, half=half)
        options = passkeys.ask(person, row, HOST)
        assert options is not None
        answer = key.use(options, tampered=lying)
        return {"someone": person.username, "browser": browser, "answer": answer, "passkey": kept}

    return prepared


def making(*, half: bool, lying: bool = False) -> Callable[[], Names]:
    """Somebody whose browser holds a new passkey; half signed in, it is the first factor."""

    def prepared() -> Names:
        person = _person()
        if not half:
            factors.issue(person)
        browser, row = _browser(person, half=half)
        options = passkeys.offer(person, row, HOST)
        assert options is not None
        answer = Authenticator().make(options, origin="https://evil.test" if lying else f"https://{HOST}")
        return {"someone": person.username, "browser": browser, "answer": answer}

    return prepared


def owned() -> Names:
    """Somebody with an app and a passkey."""
    person = _person()
    factors.issue(person)
    return {"someone": person.username, "passkey": _keep(person, Authenticator())}


def scanned() -> Names:
    """Somebody with a passkey who has scanned the picture of an app."""
    person = _person()
    _keep(person, Authenticator())
    browser, _row = _browser(person, half=False)
    shown = code(factors.uri(factors.offer_anew(person)))
    return {"someone": person.username, "browser": browser, "code": shown}


PREPARED: Final[dict[str, Callable[[], Names]]] = {
    "a passkey, the password given": proving(half=True),
    "a passkey that lies, the password given": proving(half=True, lying=True),
    "a passkey, signed in": proving(half=False),
    "a passkey that lies, signed in": proving(half=False, lying=True),
    "a first passkey": making(half=True),
    "a first passkey that lies": making(half=True, lying=True),
    "another passkey": making(half=False),
    "another passkey that lies": making(half=False, lying=True),
    "somebody's passkey": owned,
    "an app that was scanned": scanned,
}
