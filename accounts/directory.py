"""The people of the house as a list that can be searched, and how one of them stands."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import factors, rights, sessions
from accounts.models import Passkey, Person, Session, Token, TotpDevice
from accounts.permission_words import words

MOST: Final = 200
STATES: Final = ("active", "waiting", "disabled")
LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader looks for: part of a name, a role, a group, a state (`waiting` for a second factor); "" is all."""

    text: str = ""
    role: str = ""
    group: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person has open and holds at this moment."""

    sessions: int
    tokens: int
    has_factor: bool
    allowed: list[str]


def people(filters: Filters) -> "QuerySet[Person]":
    """Return who matches, by user name, each with `has_factor`; the caller takes at most so many."""
    app = TotpDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    passkey = Passkey.objects.filter(person=OuterRef("pk"))
    found = Person.objects.annotate(has_factor=Exists(app) | Exists(passkey)).prefetch_related("roles", "groups")
    if text := filters.text.strip()[:LONGEST].replace("\0", ""):
        found = found.filter(Q(username__icontains=text) | Q(full_name__icontains=text))
    if filters.role:
        found = found.filter(Exists(_through("roles", "role", filters.role)))
    if filters.group:
        found = found.filter(Exists(_through("groups", "group", filters.group)))
    if filters.state in STATES:
        found = found.filter(is_active=filters.state != "disabled")
    if filters.state == "waiting":
        found = found.filter(has_factor=False)
    return found.order_by("username")


def _through(relation: str, field: str, name: str) -> "QuerySet[Person]":
    through: type[Person] = getattr(Person, relation).through
    return through.objects.filter(**{"person_id": OuterRef("pk"), f"{field}__name": name[:LONGEST].replace("\0", "")})


def standing(person: Person) -> Standing:
    """Return how one person stands now."""
    now = timezone.now()
    rows = Session.objects.select_related("person").filter(person=person, verified_at__isnull=False)
    tokens = Token.objects.filter(person=person, revoked_at=None, expires_at__gt=now)
    return Standing(
        sum(sessions.live(row, now) for row in rows),
        tokens.count(),
        factors.enrolled(person),
        words(rights.of(person)),
    )


def names_outside(group: UUID) -> list[str]:
    """Return the user names of active people who do not belong to a group, as many as a page offers."""
    rows = Person.objects.filter(is_active=True).exclude(groups=group).order_by("username")
    return list(rows.values_list("username", flat=True)[:MOST])
