"""How much a device sends: its images of today and of the last day, hour by hour, counted in the index.

Nothing sealed is opened, and no study is named: these are numbers about a machine.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from archive.models import Instance
from audit.actions import Action

HOURS: Final = 24
A_DAY: Final = timedelta(hours=HOURS)


@dataclass(frozen=True, slots=True)
class Pace:
    """Images of one sender: since midnight, over the last 24 hours, in the busiest of these hours, and the last one."""

    today: int
    past_day: int
    busiest: int
    last_at: datetime | None

    @property
    def hourly(self) -> int:
        """Images an hour over the last day, rounded."""
        return round(self.past_day / HOURS)


def of(actor: Actor, ae_title: str) -> Pace:
    """Return the pace of the device with this AE title. Raises Forbidden (recorded)."""
    gate.permit(actor, Action.DEVICES_READ)
    now = timezone.now()
    rows = _since(now - A_DAY, ae_title)
    hours = rows.annotate(hour=TruncHour("received_at")).values("hour").annotate(images=Count("id")).order_by()
    counts = [hour["images"] for hour in hours]
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    last = rows.aggregate(last=Max("received_at"))["last"]
    return Pace(_since(midnight, ae_title).count(), sum(counts), max(counts, default=0), last)


def everybody(actor: Actor) -> dict[str, tuple[int, datetime]]:
    """Return, for every sender of the last 24 hours, how many images came and when the last did.

    Raises Forbidden (recorded).
    """
    gate.permit(actor, Action.DEVICES_READ)
    since = timezone.now() - A_DAY
    rows = Instance.objects.filter(study__last_received_at__gte=since, received_at__gte=since)
    counted = rows.values("sender").annotate(images=Count("id"), last=Max("received_at")).order_by()
    return {row["sender"]: (row["images"], row["last"]) for row in counted}


def _since(moment: datetime, ae_title: str) -> QuerySet[Instance]:
    # A study that an image came to is in the index of what was added to last; the images of a sender have none.
    return Instance.objects.filter(study__last_received_at__gte=moment, received_at__gte=moment, sender=ae_title)
