"""From what somebody shows (a session, a token, an AE title) to the actor that services take.

What was read is kept for at most five seconds and only while the access epoch stands, so that the pixel path asks the
database nothing, and what was revoked is gone at once.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from accounts import devices, epoch, scope, sessions, tokens
from accounts.actors import NOBODY, Actor
from accounts.models import Device, Person, Session, SharedLink, Token
from accounts.policy import DEVICE_SERVICES, LINK_MAY, SHELL, SYSTEM_JOBS, TOKEN_MAY, Permission
from audit.receipts import Who

KEEP_SECONDS = 5.0
MOST_KEPT = 4096


class Principal(NamedTuple):
    """Who asks, and how that person wants pages. Nobody asks through a `locked` session."""

    actor: Actor
    language: str = ""
    theme: str = "dark"
    locked: bool = False


STRANGER = Principal(NOBODY)


def stranger(address: str) -> Principal:
    """Return nobody, at an address."""
    return Principal(replace(NOBODY, address=address))


class _Kept(NamedTuple):
    principal: Principal
    number: int
    until: float


_lock = Lock()
_kept: dict[tuple[str, str], _Kept] = {}


def forget() -> None:
    """Drop everything remembered of who is who."""
    with _lock:
        _kept.clear()


def _remembered(kind: str, proof: str, number: int, read: Callable[[], Principal]) -> Principal:
    """Return what is known of this proof at this epoch, or read it. Strangers are not remembered."""
    found = _kept.get((kind, proof))
    if found is not None and found.number == number and found.until > time.monotonic():
        return found.principal
    principal = read()
    with _lock:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        if principal.actor.kind == "nobody":
            _kept.pop((kind, proof), None)
        else:
            _kept[kind, proof] = _Kept(principal, number, time.monotonic() + KEEP_SECONDS)
    return principal


def session_principal(key: str, address: str, *, fresh: bool = False, idle: bool = False) -> Principal:
    """Return who holds the session with this browser key, now at `address`; the stranger if nobody does.

    `fresh` reads the row even where it is remembered; `idle` does not count as a use of the session. A session whose
    second factor is missing gives an actor that is not verified and may nothing.
    """
    if fresh:
        with _lock:
            _kept.pop(("session", key), None)
    number = epoch.number()
    found = _remembered("session", key, number, lambda: _read_session(sessions.row_key(key), number, idle=idle))
    return found._replace(actor=replace(found.actor, address=address))


def token_actor(secret: str, address: str) -> Actor:
    """Return the actor of an API token given in a header; NOBODY for an unknown, revoked or expired one, and where it
    is used from an address that is not its own."""
    digest = tokens.digest(secret)
    number = epoch.number()
    read = partial(_read_token, number, address, digest=digest)
    found = _remembered("token", f"{digest} {address}", number, lambda: Principal(read()))
    return replace(found.actor, address=address)


def person_actor(
    person: Person, *, address: str = "", session: str = "", verified: bool = True, stepped_up_now: bool = False
) -> Actor:
    """Return the actor of a person who has proved to be that person; `session` is its name in the log."""
    number = epoch.number()
    stepped = time.time() if stepped_up_now else None
    return _of_person(person, number, address=address, session=session, verified=verified, stepped_up_at=stepped)


def link_actor(link: SharedLink, *, address: str = "", session: str = "") -> Actor:
    """Return the actor of a shared link to which the passphrase was given; NOBODY once it has ended.

    It can no more than whoever made it can now, and nothing while that person may not share or not see the study.
    """
    number = epoch.number()
    maker = _of_person(link.person, number, address="", session="", verified=True, stepped_up_at=None)
    shares = Permission.STUDY_SHARE in maker.permissions and scope.lasting(maker, link.study_uid) is not False
    if not shares or link.until <= timezone.now():
        return replace(NOBODY, address=address)
    allowed = LINK_MAY if link.may_download else LINK_MAY - {Permission.STUDY_DOWNLOAD}
    return Actor(
        "link",
        str(link.id),
        f"{maker.name} (shared link)",
        permissions=maker.permissions & allowed,
        audiences=(link.id,),
        verified=True,
        address=address,
        session=session,
        as_of=number,
    )


def device_actor(device: Device, address: str, ae_title: str, certificate: str = "") -> Actor:
    """Return the actor of a device that `devices.find` knew and whose certificate, over TLS, `devices.shows` took.

    The certificate, a SHA-256 in hexadecimal, names its sessions on record by its first half.
    """
    number = epoch.number()
    allowed = frozenset[Permission]().union(*(DEVICE_SERVICES.get(service, frozenset()) for service in device.may))
    return Actor(
        "device",
        str(device.id),
        device.ae_title,
        permissions=allowed if device.is_active else frozenset(),
        audiences=(device.id, *device.groups.order_by("name").values_list("id", flat=True)),
        verified=device.is_active,
        address=address,
        ae_title=ae_title,
        session=certificate[:32],
        issuer=device.issuer or device.ae_title,
        sop_classes=frozenset(device.sop_classes),
        as_of=number,
    )


def system(job: str) -> Actor:
    """Return one of the program's own jobs; a job that the policy does not name may nothing."""
    return Actor(
        "system", job, job, permissions=SYSTEM_JOBS.get(job, frozenset()), everywhere=job in SYSTEM_JOBS, verified=True
    )


def shell(user: str) -> Actor:
    """Return whoever gives commands on this machine."""
    return Actor("shell", user, user, permissions=SHELL, verified=True)


def once(who: Who) -> Actor:
    """Return whoever is named in what was stored once, with the groups of now and leave to do nothing.

    One who is not there any more has no groups.
    """
    kind, _, identifier = who.key.partition(":")
    found = replace(NOBODY, name=who.name)
    if kind == "device" and (device := Device.objects.filter(id=identifier).first()) is not None:
        found = device_actor(device, who.address, who.ae_title)
    elif kind == "person" and (person := Person.objects.filter(id=identifier).first()) is not None:
        found = person_actor(person)
    elif kind == "token" and (token := Token.objects.select_related("person").filter(id=identifier).first()):
        found = person_actor(token.person)
    return replace(found, permissions=frozenset(), verified=False)


def current(actor: Actor) -> Actor:
    """Return the actor with the rights of now: itself while the epoch stands, else read again, NOBODY when gone."""
    if actor.kind in ("system", "shell", "nobody"):
        return actor
    number = epoch.number()
    if actor.as_of == number:
        return actor
    proof = actor.session or actor.address
    found = _remembered(actor.key, proof, number, lambda: Principal(_again(actor, number))).actor
    if found.kind == "nobody":
        return replace(NOBODY, address=actor.address, request_id=actor.request_id)
    return replace(found, address=actor.address, ae_title=actor.ae_title, request_id=actor.request_id)


def _again(actor: Actor, number: int) -> Actor:
    identifier = UUID(actor.id)
    if actor.kind == "token":
        return _read_token(number, actor.address, id=identifier)
    if actor.kind == "device":
        device = Device.objects.filter(id=identifier, is_active=True).first()
        if device is None or not devices.at_home(device, actor.address):
            return NOBODY
        if actor.session and device.certificate_ends is not None and device.certificate_ends <= timezone.now():
            return NOBODY
        held = device.certificate if actor.session == device.certificate[:32] else actor.session
        if not devices.shows(device, held if actor.session else ""):
            return NOBODY
        return device_actor(device, actor.address, actor.ae_title, actor.session)
    rows = sessions.named(actor.session) if actor.session else Session.objects.none()
    row = rows.filter(**{f"{actor.kind}_id": identifier}).first()
    return NOBODY if row is None else _read_session(row.pk, number).actor


def _read_session(row_key: str, number: int, *, idle: bool = True) -> Principal:
    row = Session.objects.select_related("person", "link__person").filter(pk=row_key).first()
    now = timezone.now()
    if row is None or not sessions.live(row, now):
        return STRANGER
    if row.link is not None:
        if not idle:
            sessions.touch(row, now)
        return Principal(link_actor(row.link, address=row.address, session=sessions.name(row.pk)))
    if row.person is None:
        return STRANGER
    if sessions.is_locked(row, now):
        return Principal(NOBODY, row.person.language, row.person.theme, locked=True)
    if not idle:
        sessions.touch(row, now)
    actor = _of_person(
        row.person,
        number,
        address=row.address,
        session=sessions.name(row.pk),
        verified=row.verified_at is not None,
        stepped_up_at=row.stepped_up_at.timestamp() if row.stepped_up_at else None,
    )
    return Principal(actor, row.person.language, row.person.theme)


def _read_token(number: int, address: str, **which: str | UUID) -> Actor:
    token = Token.objects.select_related("person").filter(**which, revoked_at=None, person__is_active=True).first()
    now = timezone.now()
    if token is None or token.expires_at <= now or not tokens.works_from(token, address):
        return NOBODY
    tokens.used(token, address, now)
    owner = _of_person(token.person, number, address="", session="", verified=True, stepped_up_at=None)
    return replace(
        owner,
        kind="token",
        id=str(token.id),
        name=f"{owner.name} ({token.name})",
        permissions=owner.permissions & TOKEN_MAY & frozenset(token.scopes),
    )


def _of_person(
    person: Person, number: int, *, address: str, session: str, verified: bool, stepped_up_at: float | None
) -> Actor:
    roles = list(person.roles.order_by("name"))
    held = {permission for role in roles for permission in role.permissions}
    allowed = frozenset(known for known in Permission if known.value in held) | {Permission.OWN}
    return Actor(
        "person",
        str(person.id),
        person.username,
        ", ".join(role.name for role in roles),
        permissions=allowed if verified and person.is_active else frozenset(),
        audiences=(person.id, *person.groups.order_by("name").values_list("id", flat=True)),
        verified=verified and person.is_active,
        stepped_up_at=stepped_up_at,
        address=address,
        session=session,
        as_of=number,
    )
