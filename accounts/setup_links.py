"""The one-time way to the first administrator: a token for an hour, dead once used or once there is a person."""

import getpass
import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import epoch, identify, people
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import Person, SetupLink
from audit import log
from audit.actions import Action, Outcome

MINUTES = 60
ROLE = "administrator"


def issue() -> str:
    """Return a fresh token for the link's fragment; earlier ones are dead. Raises Unacceptable if people exist."""
    token = secrets.token_urlsafe(32)
    who = identify.shell(getpass.getuser()).who
    with transaction.atomic(durable=True):
        if Person.objects.exists():
            raise Unacceptable("token", _("There are people already."))
        SetupLink.objects.all().delete()
        SetupLink.objects.create(digest=_digest(token), expires_at=timezone.now() + timedelta(minutes=MINUTES))
        log.append([log.Event(Action.SETUP_LINK, Outcome.OK, who, details={"act": "issued"})])
    return token


def waiting() -> bool:
    """Tell whether a link could still be used."""
    return not Person.objects.exists() and _usable().exists()


def redeem(token: str, *, username: str, full_name: str, password: str, address: str) -> Person:
    """Make the first administrator. Raises Unacceptable for bad entries, and alike for every kind of dead link."""
    nobody = Actor("nobody", "-", "-", address=address)
    try:
        with transaction.atomic(durable=True):
            used = _usable().filter(digest=_digest(token)).update(used_at=timezone.now())
            if not used or Person.objects.exists():
                raise Unacceptable("token", _("This link has been used or has expired."))
            person = people.create(username, password=password, roles=[ROLE], full_name=full_name)
            epoch.raise_()
            who = identify.person_actor(person, address=address, verified=False).who
            log.append([log.Event(Action.SETUP_LINK, Outcome.OK, who, details={"act": "used"})])
    except Unacceptable as error:
        if error.field == "token":
            log.refused(Action.SETUP_LINK, nobody.who, {"refused": "link"})
        raise
    return person


def _usable() -> QuerySet[SetupLink]:
    return SetupLink.objects.filter(used_at=None, expires_at__gt=timezone.now())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
