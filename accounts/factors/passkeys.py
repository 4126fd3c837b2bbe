"""Passkeys: made on one's own page or at the first sign-in, and used in place of a code.

A challenge is a row: bound to one session and one act, for two minutes, taken out before its answer is judged. A
passkey whose count does not go on was copied: it is refused, with an alert.
"""

import secrets
from datetime import timedelta
from typing import Any, Final, Literal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.factors import sites, webauthn
from accounts.factors.webauthn import Known, NotProved, Registered
from accounts.models import Challenge, Passkey, Person
from audit import alerts

LASTS: Final = timedelta(minutes=2)
CHALLENGE_BYTES: Final = 32
MOST: Final = 10
LONGEST_NAME: Final = 60

Act = Literal["prove", "register"]


def of(person: Person, host: str = "") -> list[Passkey]:
    """Return the person's passkeys, the oldest first; with a host, those that can be used there."""
    found = Passkey.objects.filter(person=person).order_by("created_at", "id")
    if host:
        place = sites.site(host)
        found = found.filter(host=place.host) if place else found.none()
    return list(found)


def usable(host: str) -> bool:
    """Tell whether passkeys can be made and used under this host."""
    return sites.site(host) is not None


def ask(person: Person, session: str, host: str) -> dict[str, Any] | None:
    """Begin a proof: what the browser needs, with a challenge for this session; None where there is no passkey."""
    place, known = sites.site(host), [_known(one) for one in of(person, host)]
    if place is None or not known:
        return None
    return webauthn.request(place, _challenge(session, "prove"), known)


def offer(person: Person, session: str, host: str) -> dict[str, Any] | None:
    """Begin to make a passkey: what the browser needs; None where the host or the number of passkeys forbids it."""
    place, known = sites.site(host), [_known(one) for one in of(person)]
    if place is None or len(known) >= MOST:
        return None
    user = (person.id, person.username, person.full_name)
    return webauthn.creation(place, _challenge(session, "register"), user, known)


def prove(person: Person, session: str, host: str, answer: str) -> Literal["passkey"] | None:
    """Judge the answer to `ask`; None for one that is wrong, late, of another session, or was given before."""
    place, challenge = sites.site(host), _take(session, "prove")
    if place is None or challenge is None:
        return None
    try:
        used = webauthn.asserted(place, challenge, person.id, [_known(one) for one in of(person, host)], answer)
    except NotProved:
        return None
    # Synced passkeys do not count and say zero for ever; one that counts must have gone on, also under a race.
    fresh = Q(sign_count=0) if used.sign_count == 0 else Q(sign_count__lt=used.sign_count)
    row = Passkey.objects.filter(person=person, credential_id=used.id)
    if row.filter(fresh).update(sign_count=used.sign_count, used_at=timezone.now()):
        return "passkey"
    if row.exists():
        words = "A passkey was used whose count did not go on: there may be a copy of it. It was refused."
        alerts.raise_("passkey-copied", person.username, words)
    return None


def made(session: str, host: str, answer: str) -> tuple[str, Registered] | None:
    """Judge the answer to `offer`; return the host and the new passkey, not kept yet, or None as for `prove`."""
    place, challenge = sites.site(host), _take(session, "register")
    if place is None or challenge is None:
        return None
    try:
        return place.host, webauthn.registered(place, challenge, answer)
    except NotProved:
        return None


def keep(person: Person, host: str, new: Registered, name: str = "") -> Passkey | None:
    """Keep a passkey in the caller's transaction; None where somebody has it already, or the person has too many."""
    Person.objects.select_for_update().get(pk=person.pk)
    if Passkey.objects.filter(credential_id=new.id).exists() or len(of(person)) >= MOST:
        return None
    return Passkey.objects.create(
        person=person,
        credential_id=new.id,
        credential=new.credential,
        aaguid=new.aaguid,
        sign_count=new.sign_count,
        transports=list(new.transports),
        host=host,
        name=titled(name),
    )


def titled(name: str) -> str:
    """Return a name as it is kept: on one line, not too long."""
    return " ".join(name.split())[:LONGEST_NAME]


def _known(row: Passkey) -> Known:
    return Known(row.credential_id, bytes(row.credential), tuple(row.transports))


def _challenge(session: str, act: Act) -> bytes:
    """Draw a challenge; one that the session was given before is dead, and so is whatever is too old."""
    value, now = secrets.token_bytes(CHALLENGE_BYTES), timezone.now()
    with transaction.atomic():
        Challenge.objects.filter(expires_at__lte=now).delete()
        Challenge.objects.update_or_create(
            session=session, defaults={"value": value.hex(), "act": act, "expires_at": now + LASTS}
        )
    return value


def _take(session: str, act: Act) -> bytes | None:
    """Take the session's challenge out; of several who try at the same time one gets it."""
    found = Challenge.objects.filter(session=session, act=act, expires_at__gt=timezone.now()).first()
    if found is None or not Challenge.objects.filter(session=session, value=found.value).delete()[0]:
        return None
    return bytes.fromhex(found.value)
