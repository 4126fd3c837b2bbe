"""Viewing leases: leave to view one study for the rest of a five-minute slot, recorded once and shared by everybody.

A lease is a row, unique on (actor, session, study, purpose, slot of the database's clock), written in one transaction
with its event. Whoever comes second, in this process or another, adopts it. A lease ends with its slot, or earlier with
the right that justified it; the next one within the same sitting carries the sitting on, so that it shows as one view.
"""

import os
from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import NamedTuple
from uuid import uuid4

from django.db import DatabaseError, transaction
from django.db import Error as DatabaseFault

from audit import clock, log, pulse, turns
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.events import Event, clean
from audit.models import AuditLease
from audit.receipts import Receipt, Who

SLOT_SECONDS = 300
# Somebody who comes back to a study within this time after a lease ended is still in the same sitting.
SITTING_SECONDS = 900
KEPT_SECONDS = 86_400
MOST_IN_MEMORY = 10_000


class _Name(NamedTuple):
    actor_key: str
    session: str
    study_uid: str
    purpose: str


_lock = Lock()
_held: OrderedDict[_Name, Receipt] = OrderedDict()


def view(who: Who, study_uid: str, purpose: str, patient: str = "", limit: float | None = None) -> Receipt:
    """Return the receipt of a lease on one study; its VIEW event is durable before this returns.

    `limit` is when the right ends (seconds since the epoch, database clock), or None. Costs no query while this
    process holds the lease and the pulse is good. Raises LogUnavailable.
    """
    pulse.check()
    name = _Name(clean(who.key, 80), clean(who.session, 32), clean(study_uid, 64), clean(purpose, 32))
    try:
        now = clock.now()
        with _lock:
            held = _held.get(name)
        if held is None or held.until is None or held.until <= now:
            held = _adopt_or_make(name, who, patient, limit, now)
            _hold(name, held)
    except DatabaseFault as error:
        pulse.fail(f"a lease could not be written ({type(error).__name__})")
        raise LogUnavailable("The view cannot be recorded.") from error
    until = held.until if limit is None or held.until is None else min(held.until, limit)
    return replace(held, who=who, until=until)


def sweep() -> int:
    """Remove leases that ended more than a day ago; their events stay. Returns how many."""
    return AuditLease.objects.filter(until__lt=clock.now() - KEPT_SECONDS).delete()[0]


def forget() -> None:
    """Drop what this process holds; the rows remain and are adopted again."""
    with _lock:
        _held.clear()


def _hold(name: _Name, receipt: Receipt) -> None:
    with _lock:
        _held.pop(name, None)
        _held[name] = receipt
        while len(_held) > MOST_IN_MEMORY:
            _held.popitem(last=False)


def _adopt_or_make(name: _Name, who: Who, patient: str, limit: float | None, now: float) -> Receipt:
    row = _newest(name)
    if row is None or row.until <= now:
        row = _make(name, who, patient, limit, row)
    return Receipt(
        row.event,
        Action.VIEW,
        who,
        frozenset({name.study_uid}),
        purpose=name.purpose,
        patient=patient,
        lease=row.id,
        sitting=row.sitting,
        until=row.until,
    )


def _newest(name: _Name) -> AuditLease | None:
    return AuditLease.objects.filter(**name._asdict()).order_by("-slot").first()


def _make(name: _Name, who: Who, patient: str, limit: float | None, before: AuditLease | None) -> AuditLease:
    """Write a lease and its event in one transaction, or come second and return the winner's."""
    with turns.patience(turns.PATIENCE_MS), transaction.atomic(durable=True):
        now = clock.read()
        slot = int(now // SLOT_SECONDS)
        end = float((slot + 1) * SLOT_SECONDS)
        sitting = before.sitting if before is not None and now - before.until < SITTING_SECONDS else uuid4()
        event = Event(
            Action.VIEW,
            Outcome.OK,
            who,
            study_uid=name.study_uid,
            patient=patient,
            purpose=name.purpose,
            sitting=sitting,
        )
        lease = AuditLease(
            **name._asdict(),
            slot=slot,
            until=end if limit is None else min(end, limit),
            event=event.id,
            sitting=sitting,
        )
        if not _insert(lease, now):
            winner = _newest(name)
            if winner is None:
                raise DatabaseError("a lease vanished while it was adopted")
            return winner
        log.append([event])
        accepted = pulse.moment()
    pulse.good(accepted)
    return lease


def _insert(lease: AuditLease, now: float) -> bool:
    """Insert the row, or renew one of this slot that ended early; False when somebody else has a living one."""
    AuditLease.objects.bulk_create([lease], ignore_conflicts=True)
    mine = {"actor_key": lease.actor_key, "session": lease.session, "study_uid": lease.study_uid}
    stored = AuditLease.objects.get(**mine, purpose=lease.purpose, slot=lease.slot)
    if stored.id == lease.id:
        return True
    ended = AuditLease.objects.filter(pk=stored.pk, until=stored.until, until__lte=now)
    lease.id = stored.id
    return ended.update(until=lease.until, event=lease.event, sitting=lease.sitting) == 1


def _after_fork() -> None:
    global _lock
    _lock = Lock()


os.register_at_fork(after_in_child=_after_fork)
