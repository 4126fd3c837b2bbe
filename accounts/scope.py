"""Which studies are whose: one table that every rule writes and one index scan reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from accounts.actors import Actor
from accounts.models import Access, Group, Restricted, Withdrawn
from audit import alerts, clock

UNASSIGNED = UUID("00000000-0000-4000-8000-000000000001")
"""The group of studies that no rule assigns; made with the tables."""

BY_SENDER = "sender"
BY_NOBODY = "unassigned"
BY_PERSON = "given"
OWNING = (BY_SENDER, BY_NOBODY, BY_PERSON)
"""Rules that say whose a study is; the others let somebody look for a reason and a time."""
OPENS_RESTRICTED = ("grant", "break-glass", "link")
"""Rules that open a restricted study; groups and physicians do not."""

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at when a study arrives: who sent it, and attributes of the data set."""

    sender: Actor
    institution: str = ""


def assign(study_uid: str, date: str, facts: Facts) -> None:
    """Write whose a study is, inside the caller's transaction: it goes to the groups of whoever sent it first.

    The sender is a device or a person; one without groups leaves it to the group Unassigned. Sending more of a study
    never removes, and it adds other groups of the sender only where one of them has the study already: else whoever
    may store could see any study by sending one image under its UID. What came so is kept with the study, out of its
    sender's sight, and people are told. `date` is the study date as DICOM writes it, or empty.
    """
    groups = facts.sender.audiences[1:]
    ours, rule = (groups, BY_SENDER) if groups else ((UNASSIGNED,), BY_NOBODY)
    owners = set(Access.objects.filter(study_uid=study_uid, rule__in=OWNING).values_list("audience", flat=True))
    if owners and owners.isdisjoint(ours):
        words = f"{facts.sender.name} sent images into a study of other groups. Its own groups were not let in."
        alerts.raise_("foreign-sender", study_uid, words)
        return
    rows = [Access(audience=group, study_uid=study_uid, date=date, rule=rule) for group in ours]
    Access.objects.bulk_create(rows, ignore_conflicts=True)


def owned(study_uid: str) -> bool:
    """Tell whether anybody has this study."""
    return Access.objects.filter(study_uid=study_uid, rule__in=OWNING).exists()


def give(study_uid: str, group: Group) -> bool:
    """Let a group see a study that others have, inside the caller's transaction; False where nobody has it."""
    owner = Access.objects.filter(study_uid=study_uid, rule__in=OWNING).first()
    if owner is not None:
        row = Access(audience=group.id, study_uid=study_uid, date=owner.date, rule=BY_PERSON)
        Access.objects.bulk_create([row], ignore_conflicts=True)
    return owner is not None


def restrict(study_uids: Iterable[str]) -> None:
    """Let groups and physicians see these studies no more, inside the caller's transaction, until `unrestrict`."""
    Restricted.objects.bulk_create([Restricted(study_uid=uid) for uid in study_uids], ignore_conflicts=True)


def unrestrict(study_uid: str) -> bool:
    """Let those see a study again whose it is, inside the caller's transaction; False where it was not restricted."""
    return bool(Restricted.objects.filter(study_uid=study_uid).delete()[0])


def restricted() -> list[str]:
    """The UIDs of the studies that groups and physicians do not open."""
    return list(Restricted.objects.order_by("study_uid").values_list("study_uid", flat=True))


def arrived(study_uids: Iterable[str]) -> None:
    """Tell people when something came for studies in the trash, inside the caller's transaction; it stays hidden."""
    for study_uid in Withdrawn.objects.filter(study_uid__in=set(study_uids)).values_list("study_uid", flat=True):
        words = "Images came for a study in the trash. They are kept with it, and hidden as it is."
        alerts.raise_("trashed-arrival", study_uid, words)


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
    return queryset.filter(Exists(visible(actor).filter(study_uid=OuterRef(uid_field))))


def covers(actor: Actor, study_uid: str) -> datetime | Literal[False] | None:
    """Return until when this actor may see the study (None: without an end), or False."""
    if actor.everywhere:
        return False if withdrawn(study_uid) else None
    return _latest(visible(actor), study_uid)


def would_cover(actor: Actor, study_uid: str) -> datetime | Literal[False] | None:
    """Answer as `covers` does, for a study in the trash too: for whoever would take it out again."""
    return None if actor.everywhere else _latest(applying(actor), study_uid)


def _latest(rows: "QuerySet[Access]", study_uid: str) -> datetime | Literal[False] | None:
    ends = list(rows.filter(study_uid=study_uid).values_list("until", flat=True))
    if not ends:
        return False
    return None if None in ends else max(end for end in ends if end is not None)
