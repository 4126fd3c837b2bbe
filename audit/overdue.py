"""What is told because nothing happened: a record that nobody verified for long, rows that nobody signed."""

from datetime import datetime, timedelta

from django.conf import settings

from audit import alerts, checkpoints, clock, recorded, tables
from audit.models import AuditEvent, Checkpoint

SIGNED_WITHIN = timedelta(minutes=10)


def look() -> None:
    """Raise what is overdue, each at most once a day, and settle what is not any more."""
    now = clock.moment()
    since = unverified_since()
    if since is not None and now - since > timedelta(days=settings.PACS_VERIFY_DAYS):
        words = f"No verification of the whole record has ended well since {since:%Y-%m-%d %H:%M} UTC."
        alerts.remind("verification-overdue", checkpoints.origin(1), words)
    waiting = unsigned_since()
    if waiting is not None and now - waiting > SIGNED_WITHIN:
        words = f"Rows wait for their checkpoint since {waiting:%Y-%m-%d %H:%M} UTC."
        alerts.remind("checkpoint-overdue", checkpoints.origin(1), words)
    else:
        alerts.settle("checkpoint-overdue", checkpoints.origin(1), "signer")


def unverified_since() -> datetime | None:
    """When a verification ended well last, or when the record began; None where there is no record yet."""
    good = recorded.last_good()
    if good is not None:
        return good.at
    begun_us = tables.begun_us(1)
    return None if begun_us is None else clock.at(begun_us)


def unsigned_since() -> datetime | None:
    """When the oldest row was written that no checkpoint covers; None where every row is signed."""
    head = tables.head()
    if head is None:
        return None
    last = Checkpoint.objects.filter(log=head[0]).order_by("-size").values_list("size", flat=True).first() or 0
    waiting = AuditEvent.objects.filter(log=head[0], seq__gt=last).order_by("seq").values_list("time_us", flat=True)
    oldest = waiting.first()
    return None if oldest is None else clock.at(oldest)
