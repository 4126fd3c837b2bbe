"""API tokens: 256 random bits shown once, kept as SHA-256, narrower than their person and with an end."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import epoch
from accounts.errors import Unacceptable
from accounts.models import Person, Token
from accounts.policy import TOKEN_MAY

PREFIX = "custos_"
DAYS = 90
MOST_DAYS = 366


def may_carry(person: Person) -> list[str]:
    """Return the permissions that a token of this person could carry."""
    held = {permission for role in person.roles.all() for permission in role.permissions}
    return sorted(permission for permission in TOKEN_MAY if permission in held)


def create(
    person: Person, *, name: str = "", scopes: Sequence[str] | None = None, days: int = DAYS
) -> tuple[Token, str]:
    """Make a token; return its row and the secret, which exists nowhere else.

    Without scopes it carries whatever a token of this person may. Raises Unacceptable for a scope beyond that.
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
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            scopes=wanted,
            expires_at=timezone.now() + timedelta(days=days),
        )
        epoch.raise_()
    return token, secret


def revoke(token: Token) -> None:
    """End a token; requests with it are refused on every process within a second."""
    with transaction.atomic():
        Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        epoch.raise_()


def revoke_all(person: Person) -> None:
    """End every token of a person, in the caller's transaction."""
    Token.objects.filter(person=person, revoked_at=None).update(revoked_at=timezone.now())
    epoch.raise_()
