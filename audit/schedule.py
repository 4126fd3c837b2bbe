"""When the record is verified by itself: the nights of an installation, in its own time zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def last_night(now: datetime) -> datetime:
    """The newest quiet hour that is not after `now`, in the installation's time zone."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    tonight = _quiet(local)
    return tonight if tonight <= now else _quiet(local - timedelta(days=1))


def next_night(now: datetime) -> datetime:
    """The first quiet hour after `now`."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    tonight = _quiet(local)
    return tonight if tonight > now else _quiet(local + timedelta(days=1))


def _quiet(day: datetime) -> datetime:
    # Where the clocks are put forward over that hour, it is the moment at which they are.
    return day.replace(hour=settings.PACS_VERIFY_HOUR, minute=0, second=0, microsecond=0, fold=0)
