"""API tokens: 256 random bits shown once, kept as SHA-256, narrower than their person and with an end."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import addresses, epoch, passing, token_places
from accounts.errors import Unacceptable
from accounts.models import Person, Token
from accounts.policy import TOKEN_MAY

PREFIX = "custos_"
DAYS = 90
MOST_DAYS = 366
NOTED_EVERY = timedelta(minutes=1)


def digest(secret: str) -> str:
    """Return what is kept of a token's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def works_from(token: Token, address: str) -> bool:
    """Tell whether the token may be used from this address."""
    return not token.address or addresses.inside(address, token.address)


def elsewhere(secret: str, address: str) -> Token | None:
    """Return the token with this secret if it stands but may not be used from this address."""
    found = Token.objects.select_related("person").filter(digest=digest(secret), revoked_at=None).first()
    if found is None or found.expires_at <= timezone.now() or not found.person.is_active:
        return None
    return None if works_from(found, address) else found


def used(token: Token, address: str, now: datetime) -> None:
    """Note when and from where the token was used last: at once from another address, else at most once a minute."""
    if token.used_at is not None and token.used_from == address and now - token.used_at < NOTED_EVERY:
        return
    passing.noted(lambda: token_places.note(token, address, now))


def may_carry(person: Person) -> list[str]:
    """Return the permissions that a token of this person could carry."""
    held = {permission for role in person.roles.all() for permission in role.permissions}
    return sorted(permission for permission in TOKEN_MAY if permission in held)


def create(
    person: Person, *, name: str = "", scopes: Sequence[str] | None = None, days: int = DAYS, address: str = ""
) -> tuple[Token, str]:
    """Make a token; return its row and the secret, which exists nowhere else.

    Without scopes it carries whatever a token of this person may; with an address or range (CIDR) it works from there
    alone. Raises Unacceptable for a scope beyond that, or an address that is none.
    """
    possible = may_carry(person)
    wanted = possible if scopes is None else sorted(set(scopes))
    beyond = sorted(set(wanted) - set(possible))
    if beyond:
        raise Unacceptable("scopes", _("A token of this person cannot carry “%(name)s”.") % {"name": beyond[0]})
    if not wanted:
        raise Unacceptable("scopes", _("A token must be allowed something."))
    if not 0 < days <= MOST_DAYS:
        raise Unacceptable("days", _("A token lasts from 1 to 366 days."))
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = Token.objects.create(
            person=person,
            name=name.strip()[:60] or _("API token"),
            digest=digest(secret),
            scopes=wanted,
            address=str(addresses.network(address)) if address.strip() else "",
            expires_at=timezone.now() + timedelta(days=days),
        )
        epoch.raise_()
    return token, secret


def told(token: Token) -> dict[str, object]:
    """Return what the record keeps of a token that was made."""
    bound = {"address": token.address} if token.address else {}
    return {"token": str(token.id), "scopes": token.scopes, "expires": token.expires_at.isoformat(), **bound}


def revoke(token: Token) -> None:
    """End a token; requests with it are refused on every process within a second."""
    with transaction.atomic():
        Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        epoch.raise_()


def revoke_all(person: Person) -> int:
    """End every token of a person, in the caller's transaction; return how many still worked."""
    now = timezone.now()
    working = Token.objects.filter(person=person, revoked_at=None, expires_at__gt=now).count()
    Token.objects.filter(person=person, revoked_at=None).update(revoked_at=now)
    epoch.raise_()
    return working
