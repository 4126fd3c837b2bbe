"""The whole record verified every night, at a quiet hour of the installation's time zone, by the job `verify`."""

import time
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from accounts import gate, identify
from archive import jobs
from archive.errors import Unavailable
from archive.models import Job
from audit import recorded, schedule, tables
from audit.actions import Action

JOB = "verify"
EVERY_SECONDS = 60.0
_looked_at: float | None = None


def tick() -> None:
    """Promise the verification of this night, once; call it as often as you like, it looks once a minute."""
    global _looked_at
    if _looked_at is not None and time.monotonic() - _looked_at < EVERY_SECONDS:
        return
    _looked_at = time.monotonic()
    promise(timezone.now())


def promise(now: datetime) -> bool:
    """Promise the verification of the night that has come last; tell whether it was to be promised.

    A night that was slept through is made up for, unless the record is younger than it.
    """
    night = schedule.last_night(now)
    begun_us = tables.begun_us(1)
    if begun_us is None or begun_us > night.timestamp() * 1_000_000:
        return False
    subject = night.date().isoformat()
    if Job.objects.filter(kind=JOB, subject=subject).exists():
        return False
    jobs.promise(JOB, subject)
    return True


def verify(_subject: str, progress: Callable[[int, int], None]) -> None:
    """The job `verify`: what `manage.py audit verify` does, in as little memory, by the program itself.

    It begins anew where it was ended: it changes nothing before it knows. Raises Unavailable where something could
    not be read.
    """
    actor = identify.system(JOB)
    gate.permit(actor, Action.LOG_VERIFIED)
    try:
        report = recorded.run(actor.who)
    except recorded.UNREADABLE as error:
        raise Unavailable(f"The record could not be verified ({type(error).__name__}).") from error
    progress(report.rows, report.rows)


def forget() -> None:
    """Look again at once."""
    global _looked_at
    _looked_at = None
