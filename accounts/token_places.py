"""From where a token was used: an address that is new to it, after its first, is told to whose token it is.

Somebody who copied a token uses it from where they are. IPv6 addresses count by their network of 64 bits, within which
machines change them by themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import Person, Token
from audit import alerts

MOST: Final = 50
SHOWN: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class New:
    """A token that was used from an address that was new to it."""

    token: Token
    place: str
    at: datetime


def note(token: Token, address: str, now: datetime) -> None:
    """Keep that a token was used here; the first time from anywhere but its first place raises an alert.

    Raises DatabaseError, and then the next use tells.
    """
    place = _place(address)
    if any(one["place"] == place for one in _places(token)):
        Token.objects.filter(pk=token.pk).update(used_at=now, used_from=address)
        return
    with transaction.atomic():
        # Uses at the same moment from the same new place are one.
        held = Token.objects.select_for_update().select_related("person").get(pk=token.pk)
        known = _places(held)
        if all(one["place"] != place for one in known):
            held.places = [*known[:1], *known[1:][-(MOST - 2) :], {"place": place, "at": now.isoformat()}]
            if known:
                words = f"An API token of {held.person.username} was used from {place}, which is new to it."
                alerts.raise_("token-elsewhere", held.person.username, words)
        held.used_at, held.used_from = now, address
        held.save(update_fields=["places", "used_at", "used_from"])


def lately(person: Person) -> list[New]:
    """Return from where tokens of a person that still work were first used in the last days, the latest first."""
    now = timezone.now()
    found = [
        New(token, one["place"], datetime.fromisoformat(one["at"]))
        for token in Token.objects.filter(person=person, revoked_at=None, expires_at__gt=now)
        for one in token.places[1:]
    ]
    return sorted((one for one in found if now - one.at < SHOWN), key=lambda one: one.at, reverse=True)


def _places(token: Token) -> list[dict[str, str]]:
    """Return where the token was used; of one that was used before this was kept, the last place stands for all."""
    if token.places or token.used_at is None:
        return list(token.places)
    return [{"place": _place(token.used_from), "at": token.used_at.isoformat()}]


def _place(address: str) -> str:
    try:
        given = ip_address(address)
    except ValueError:
        return address[:45]
    if isinstance(given, IPv6Address):
        return str(given.ipv4_mapped or ip_network((given, 64), strict=False))
    return str(given)
