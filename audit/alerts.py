"""Things a person should look at: raised by the program, folded while nobody has looked, marked as seen by people."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import Error as DatabaseFault
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit import clock, refusals
from audit.actions import Outcome
from audit.events import Event, clean
from audit.filters import first_at
from audit.models import Alert, AuditEvent
from audit.receipts import Who
from audit.rules import ALARMING, NOT_BY_ITS_SUBJECT, UNTIL_REVIEWED

logger = logging.getLogger("audit.alerts")

BURST = 10
BURST_OF_STRANGERS = 100
BURST_SECONDS = 300
A_DAY = timedelta(days=1)

_UPSERT = (
    "INSERT INTO audit_alert (id, kind, subject, message, raised_at, last_at, times, seen_by) "
    "VALUES (%s, %s, %s, %s, %s, %s, 1, '') ON CONFLICT (kind, subject) WHERE seen_at IS NULL "
    "DO UPDATE SET times = audit_alert.times + 1, last_at = excluded.last_at, message = excluded.message"
)


def raise_(kind: str, subject: str, message: str) -> None:
    """Raise an alert, or count one more on the same that nobody has seen yet.

    `subject` is a UID, an AE title or a name of ours, `message` one sentence in English; neither names a patient. Never
    fails: what cannot be written to the database stands in the program's own log.
    """
    kind, subject = clean(kind, 40), clean(subject, 150)
    try:
        _store(kind, subject, message)
    except DatabaseFault as error:
        logger.critical("alert %s (%s) cannot be stored: %s", kind, subject, type(error).__name__)


def remind(kind: str, subject: str, message: str, since: datetime | None = None) -> None:
    """Raise an alert about a state that lasts: at most once `since` a moment, whether somebody has seen the last one
    or not; without one, at most once a day."""
    since = since or timezone.now() - A_DAY
    if not Alert.objects.filter(kind=kind, subject=clean(subject, 150), last_at__gt=since).exists():
        raise_(kind, subject, message)


def _store(kind: str, subject: str, message: str) -> None:
    """Keep one alert, or fold it into an open one of the same kind and subject. Raises DatabaseError."""
    now, alert_id = timezone.now(), uuid4()
    with transaction.atomic(), connection.cursor() as cursor:
        stored_id = alert_id.hex if connection.vendor == "sqlite" else alert_id
        cursor.execute(_UPSERT, [stored_id, kind, subject, clean(message, 1000), now, now])
    logger.error("alert %s (%s)", kind, subject)


def see(alert_id: UUID, name: str, event_id: UUID | None = None) -> bool:
    """Mark an alert as seen by somebody; False when unknown, seen before, not theirs to mark, or due for a review,
    whose verdict alone ends it. Joins the caller's transaction.

    `event_id` is the event of seeing, whose sealed details hold the note.
    """
    unseen = Alert.objects.filter(pk=alert_id, seen_at=None).exclude(kind__in=UNTIL_REVIEWED)
    unseen = unseen.exclude(kind__in=NOT_BY_ITS_SUBJECT, subject=name)
    return unseen.update(seen_at=timezone.now(), seen_by=name, seen_event=event_id) == 1


def settle(kind: str, subject: str, by: str) -> bool:
    """Mark an alert as seen because its cause is gone, by the program (`by`); False where nobody was waiting for it."""
    unseen = Alert.objects.filter(kind=clean(kind, 40), subject=clean(subject, 150), seen_at=None)
    return unseen.update(seen_at=timezone.now(), seen_by=by) > 0


REFUSALS = frozenset({Outcome.DENIED, Outcome.NOT_FOUND})
"""Outcomes that count alike and cost the same work, so that time does not tell a study of others from none at all."""


def called_for(events: Sequence[Event]) -> bool:
    """Tell whether `written` would store an alert, so that these events need a transaction with room for it."""
    return any(event.action in ALARMING and event.outcome == Outcome.OK for event in events)


def written(events: Sequence[Event]) -> None:
    """Raise what these events call for; the log calls it in their transaction, whichever way they are written.

    What an act itself raises is stored with it or neither is: raises DatabaseError. Bursts of refusals are counted once
    the transaction has ended, and cost a question only upon a refusal.
    """
    for event in events:
        if called_for((event,)):
            kind, words = ALARMING[event.action]
            # Two people are two alerts: a folded one would keep the last name alone.
            first = event.study_uid or next(iter(event.listed), "")
            subject = clean(f"{first} {event.who.name}", 150)
            _store(kind, subject, words.format(name=event.who.name))
    if any(event.outcome in REFUSALS for event in events):
        transaction.on_commit(partial(note_refusals, tuple(events)))


def note_refusals(events: Iterable[Event]) -> None:
    """Raise one alert for each actor of these refusals who was refused ten times in five minutes, by any process.

    Never fails, as `raise_` does not: the refusals themselves are on record already.
    """
    refused = {event.who.key: event.who for event in events if event.outcome in REFUSALS}
    try:
        for who in refused.values():
            subject = _strangers(who) if who.kind == "nobody" else _known(who)
            if subject is not None:
                raise_("denials", f"{who.kind} {subject}", "Many acts were refused within five minutes.")
    except DatabaseFault as error:
        logger.critical("refusals cannot be counted: %s", type(error).__name__)


def _known(who: Who) -> str | None:
    return who.name if _recent(who)[:BURST].count() >= BURST else None


def _strangers(who: Who) -> str | None:
    """Who it was, if too much was refused to strangers: one address, or many that share the work.

    Strangers share one key, and their refusals come folded: a row stands for `count` of them. Whoever changes
    addresses gets one alert for all of them, so that a flood neither stays below the bound nor fills the inbox.
    """
    rows = _recent(who).order_by("-seq").values_list("actor_address", "count")[: BURST_OF_STRANGERS * 10]
    counts = Counter[str]()
    for address, count in rows:
        counts[address] += max(count, 1)
    own, everybody = counts[who.address], counts.total()
    if everybody >= BURST_OF_STRANGERS and own * 2 < everybody:
        return refusals.MANY
    return who.address if own >= BURST else None


def _recent(who: Who) -> QuerySet[AuditEvent, Any]:
    since = first_at(round((clock.now() - BURST_SECONDS) * 1_000_000))
    rows = AuditEvent.objects.filter(actor_key=who.key, log=since.log, seq__gte=since.seq)
    return rows.filter(outcome__in=REFUSALS)
