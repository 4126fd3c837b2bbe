"""What is arriving: counts and times of studies that a list shows, without opening a single sealed cell.

Made to be asked every few seconds by the study list, and therefore not on record: it speaks only of studies that it is
asked about by UID, which the list on record has shown, and of others says no more than that there are some.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts import gate, scope
from accounts.actors import Actor
from archive.models import Study
from audit.actions import Action

QUIET: Final = timedelta(seconds=30)
"""A study that nothing was added to for so long is quiet."""

WATCHED: Final = timedelta(minutes=15)
"""How far back an arrival still counts as recent."""

LATE: Final = timedelta(seconds=10)
"""By how much a study may be seen in the index later than its first image was received."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The state of one study of the actor's scope."""

    uid: str
    instance_count: int
    first_received_at: datetime
    last_received_at: datetime
    held_count: int
    same_count: int
    identity_differs: bool


def recent(actor: Actor, study_uids: Iterable[str]) -> tuple[Arrival, ...]:
    """Return those of the named studies that were added to within `WATCHED` and are in the actor's scope.

    The latest comes first. Raises Forbidden (recorded) without the permission to search.
    """
    gate.permit(actor, Action.SEARCH)
    studies = Study.objects.filter(uid__in=tuple(study_uids), last_received_at__gte=timezone.now() - WATCHED)
    rows = scope.limit(studies, actor, "uid").order_by("-last_received_at", "uid")
    columns = ("uid", "instance_count", "first_received_at", "last_received_at", "held_count", "same_count")
    return tuple(Arrival(*row) for row in rows.values_list(*columns, "identity_differs"))


def others_since(actor: Actor, moment: datetime, study_uids: Iterable[str]) -> bool:
    """Tell whether studies other than the named have begun to arrive in the actor's scope since the moment.

    Raises Forbidden (recorded) without the permission to search.
    """
    gate.permit(actor, Action.SEARCH)
    since = moment - LATE
    # A study is never added to before its first image; the second condition alone has no index.
    begun = Study.objects.filter(last_received_at__gte=since, first_received_at__gte=since)
    return scope.limit(begun.exclude(uid__in=tuple(study_uids)), actor, "uid").exists()
