"""Signing in, proving more, and leaving. Each step is on record; wrong answers all look and last alike."""

from dataclasses import replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import attempts, factors, identify, passwords, people, places, sessions
from accounts.actors import NOBODY, Actor
from accounts.errors import Unacceptable
from accounts.factors import Factor, passkeys
from accounts.models import Person
from accounts.sessions import SessionStore
from audit import alerts, log
from audit.actions import Action, Outcome
from audit.receipts import Who


def by_password(store: SessionStore, name: str, password: str, address: str, browser: str = "") -> Person | None:
    """Begin a session for the person with this name and password; None if they are wrong or tried too often.

    `browser` is the name by which the browser is known, if it has one.
    The session may nothing until `by_code` or an enrolment has proved the second factor.
    """
    name = people.username(name)[:200]
    person = Person.objects.filter(username=name).first()
    tries = attempts.begin(name, address, person, browser)
    right = passwords.right(person, password)
    if not tries.may or person is None or not right:
        _refused(person, address, "password")
        _told(person, address, tries)
        return None
    attempts.succeed(name, address, person, browser, tries)
    with transaction.atomic():
        sessions.begin(store, person, address)
    return person


def by_new_password(store: SessionStore, person: Person, new: str, address: str) -> None:
    """Replace an initial password, which somebody else knows; who began to sign in with it elsewhere is out.

    The change and its event stand or fall together. Raises Unacceptable for the password that was given, or a bad one.
    """
    if people.knows(person, new):
        raise Unacceptable("new", _("Choose another password than the one you were given."))
    session = sessions.name(store.row)
    with transaction.atomic(durable=True):
        people.change_password(person, new)
        sessions.end_others(person, session)
        who = identify.person_actor(person, address=address, session=session, verified=False).who
        told = {"subject": who.key, "act": "password", "initial": True}
        log.append([log.Event(Action.OWN_CHANGED, Outcome.OK, who, details=told)])


def by_code(store: SessionStore, person: Person, typed: str, address: str) -> bool:
    """Prove the second factor of a session that has the first; its key changes and the sign-in goes on record."""
    return _by(store, person, factors.prove(person, typed), address, "code")


def by_passkey(store: SessionStore, person: Person, host: str, answer: str, address: str) -> bool:
    """The same with the answer of a passkey to the challenge of this session, under the host of the request."""
    return _by(store, person, passkeys.prove(person, store.row, host, answer), address, "passkey")


def by_enrolment(store: SessionStore, person: Person, typed: str, address: str) -> list[str] | None:
    """Confirm the offered factor and with it the session; return the recovery codes, to be shown once."""
    codes = factors.confirm(person, typed)
    if codes is None:
        _refused(person, address, "code")
        return None
    _proved(store, person, address, {"factor": "code", "enrolled": True})
    return codes


def by_first_passkey(store: SessionStore, person: Person, host: str, answer: str, address: str) -> list[str] | None:
    """Keep a first passkey and confirm the session with it; return the recovery codes, to be shown once."""
    codes = factors.first_passkey(person, store.row, host, answer)
    if codes is None:
        _refused(person, address, "passkey")
        return None
    _proved(store, person, address, {"factor": "passkey", "enrolled": True})
    return codes


def step_up(store: SessionStore, actor: Actor, person: Person, typed: str) -> bool:
    """Take another second factor within a session; it counts as fresh for five minutes."""
    return _step_up(store, actor, factors.prove(person, typed), "code")


def step_up_by_passkey(store: SessionStore, actor: Actor, person: Person, host: str, answer: str) -> bool:
    """The same with the answer of a passkey to the challenge of this session."""
    return _step_up(store, actor, passkeys.prove(person, store.row, host, answer), "passkey")


def leave(store: SessionStore, actor: Actor) -> None:
    """Sign out: the session is gone on every process within a second."""
    with transaction.atomic(durable=True):
        sessions.end(store)
        log.append([log.Event(Action.SIGN_OUT, Outcome.OK, actor.who)])


def _by(store: SessionStore, person: Person, factor: Factor | None, address: str, tried: str) -> bool:
    if factor is None:
        _refused(person, address, tried)
        return False
    _proved(store, person, address, {"factor": factor})
    if factor == "recovery code":
        alerts.raise_("recovery-code-used", person.username, "A recovery code was used to sign in.")
    return True


def _step_up(store: SessionStore, actor: Actor, factor: Factor | None, tried: str) -> bool:
    if factor is None:
        log.commit([log.Event(Action.STEP_UP, Outcome.DENIED, actor.who, details={"refused": tried})])
        return False
    with transaction.atomic(durable=True):
        sessions.step_up(store)
        log.append([log.Event(Action.STEP_UP, Outcome.OK, actor.who, details={"factor": factor})])
    return True


def _proved(store: SessionStore, person: Person, address: str, details: dict[str, object]) -> None:
    with transaction.atomic(durable=True):
        sessions.prove(store)
        Person.objects.filter(pk=person.pk).update(last_login=timezone.now())
        who = identify.person_actor(person, address=address, session=sessions.name(store.row)).who
        told = [log.Event(Action.SIGN_IN, Outcome.OK, who, details=details)]
        if details.get("enrolled"):
            told.append(log.Event(Action.ENROLLED, Outcome.OK, who))
        log.append(told)


def _refused(person: Person | None, address: str, step: str) -> None:
    """Record a wrong answer, folded alike for known and unknown names, so that time tells nothing of who exists."""
    log.refused(Action.SIGN_IN, _whom(person, address), {"refused": step})


def remember(person: Person, address: str, browser: str) -> None:
    """Keep where the person signed in, so that guessing elsewhere does not hold the person up here."""
    places.learn(person, address, browser)


def _told(person: Person | None, address: str, tries: attempts.Tries) -> None:
    """Put on record, once each, that a name is held up here or in all strange places, or an address for all names."""
    subject = person.username if person else "-"
    if tries.here == attempts.HERE.free:
        log.commit([log.Event(Action.LOCKED, Outcome.DENIED, _whom(person, address))])
        alerts.raise_("sign-in-locked", subject, f"Several wrong passwords in a row from {address}.")
    if tries.name == attempts.NAME.free:
        told = {"from": "everywhere"}
        log.commit([log.Event(Action.LOCKED, Outcome.DENIED, _whom(person, address), details=told)])
        alerts.raise_("sign-in-locked", subject, "Many wrong passwords from places where this person never was.")
    if tries.address == attempts.ADDRESS.free:
        alerts.raise_("sign-in-spraying", address, "Many wrong passwords, for several names, from one address.")


def _whom(person: Person | None, address: str) -> Who:
    """Return who was claimed to be there: nobody in particular until proved."""
    who = replace(NOBODY, address=address).who
    return who if person is None else replace(who, key=f"person:{person.id}", name=person.username)
