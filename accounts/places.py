"""Where somebody signed in with both factors before: the browser, by a random cookie, and the address.

Guessing that strangers do elsewhere holds nobody up there. The table keeps digests, the newest few of each person.
"""

import secrets
from typing import Final, Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import KnownPlace, Person

COOKIE: Final = "__Host-browser"
COOKIE_SECONDS: Final = 400 * 24 * 3600
MOST: Final = 20
LONGEST: Final = 64
_NOBODY: Final = UUID(int=0)


def fresh() -> str:
    """Return a name for a browser that has none: 144 random bits."""
    return secrets.token_urlsafe(18)


def known(person: Person | None, address: str, browser: str) -> Literal["browser", "address", ""]:
    """Tell by what this person is known here. For nobody, the same is asked of the database."""
    digests = [_digest("browser", browser), _digest("address", address)]
    of = person.id if person is not None else _NOBODY
    found = set(KnownPlace.objects.filter(person_id=of, digest__in=digests).values_list("digest", flat=True))
    if browser and digests[0] in found:
        return "browser"
    return "address" if digests[1] in found else ""


def learn(person: Person, address: str, browser: str) -> None:
    """Keep where the person just signed in with both factors."""
    with transaction.atomic():
        for digest in (_digest("browser", browser), _digest("address", address)):
            KnownPlace.objects.update_or_create(person=person, digest=digest, defaults={"seen_at": timezone.now()})
        rows = KnownPlace.objects.filter(person=person)
        kept = rows.order_by("-seen_at").values_list("pk", flat=True)[:MOST]
        rows.exclude(pk__in=list(kept)).delete()


def _digest(kind: str, value: str) -> str:
    return salted_hmac("accounts.places", f"{kind}\0{value[:LONGEST]}", algorithm="sha256").hexdigest()
