"""Whose a study is, asked: one index scan over the one table that every rule writes."""

import time
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from accounts.actors import Actor
from accounts.models import Access, Restricted, Withdrawn
from accounts.scope.rules import BY_GLASS, OPENS_RESTRICTED, OWNING
from audit import clock

Row = TypeVar("Row", bound=Model)
FEW = 4000
"""Studies of somebody up to this number are listed before the newest of all are walked."""
HINT_SECONDS, MOST_KEPT = 60.0, 4096
_hints: dict[tuple[UUID, ...], tuple[bool, float]] = {}


def owned(study_uid: str) -> bool:
    """Tell whether anybody has this study."""
    return Access.objects.filter(study_uid=study_uid, rule__in=OWNING).exists()


def is_restricted(study_uid: str) -> bool:
    """Tell whether groups and physicians do not open this study."""
    return Restricted.objects.filter(study_uid=study_uid).exists()


def restricted() -> list[str]:
    """The UIDs of the studies that groups and physicians do not open."""
    return list(Restricted.objects.order_by("study_uid").values_list("study_uid", flat=True))


def withdrawn(study_uid: str) -> bool:
    """Tell whether a study is in the trash."""
    return Withdrawn.objects.filter(study_uid=study_uid).exists()


def visible(actor: Actor) -> QuerySet[Access]:
    """Return the access rows that apply to this actor now, for `Exists(… .filter(study_uid=OuterRef("uid")))`.

    None of them is of a study in the trash.
    """
    trashed = Withdrawn.objects.filter(study_uid=OuterRef("study_uid"))
    return applying(actor).filter(~Exists(trashed))


def applying(actor: Actor) -> QuerySet[Access]:
    """Return the access rows that would apply to this actor if nothing were in the trash: for those who restore."""
    restricted = Restricted.objects.filter(study_uid=OuterRef("study_uid"))
    return Access.objects.filter(
        Q(until=None) | Q(until__gt=clock.moment()),
        Q(rule__in=OPENS_RESTRICTED) | ~Exists(restricted),
        audience__in=actor.audiences,
    )


def limit(queryset: QuerySet[Row], actor: Actor, uid_field: str) -> QuerySet[Row]:
    """Return only the rows whose study (named by `uid_field`) this actor may see, in the same SQL."""
    if actor.everywhere:
        return queryset.filter(~Exists(Withdrawn.objects.filter(study_uid=OuterRef(uid_field))))
    if connection.vendor == "sqlite" and _has_few(actor.audiences):
        # Listed and looked up; else each row is asked whose it is while the newest are walked. Postgres weighs that.
        return queryset.filter(**{f"{uid_field}__in": visible(actor).values("study_uid")})
    return queryset.filter(Exists(visible(actor).filter(study_uid=OuterRef(uid_field))))


def has_few(actor: Actor) -> bool:
    """Whether somebody sees so few studies that a search may look at all of them; a hint, no more."""
    return not actor.everywhere and _has_few(actor.audiences)


def _has_few(audiences: tuple[UUID, ...]) -> bool:
    """Whether these audiences have so few studies that a search is driven by them; known for a minute, a hint alone."""
    now = time.monotonic()
    few, until = _hints.get(audiences, (False, 0.0))
    if until <= now:
        rows = Access.objects.filter(audience__in=audiences).values("audience")[: FEW + 1]
        few = rows.count() <= FEW
        if len(_hints) >= MOST_KEPT:
            _hints.clear()
        _hints[audiences] = (few, now + HINT_SECONDS)
    return few


def forget() -> None:
    """Drop what is known of how many studies somebody has."""
    _hints.clear()


def covers(actor: Actor, study_uid: str) -> datetime | Literal[False] | None:
    """Return until when this actor may see the study (None: without an end), or False."""
    if actor.everywhere:
        return False if withdrawn(study_uid) else None
    return _latest(visible(actor), study_uid)


def lasting(actor: Actor, study_uid: str) -> datetime | Literal[False] | None:
    """Answer as `covers` does, of what the actor sees beyond an emergency: what they may share with others."""
    return _latest(visible(actor).exclude(rule=BY_GLASS), study_uid)


def would_cover(actor: Actor, study_uid: str) -> datetime | Literal[False] | None:
    """Answer as `covers` does, for a study in the trash too: for whoever would take it out again."""
    return None if actor.everywhere else _latest(applying(actor), study_uid)


def _latest(rows: "QuerySet[Access]", study_uid: str) -> datetime | Literal[False] | None:
    ends = list(rows.filter(study_uid=study_uid).values_list("until", flat=True))
    if not ends:
        return False
    return None if None in ends else max(end for end in ends if end is not None)
