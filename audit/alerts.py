"""Things a person should look at: raised by the program, folded while nobody has looked, marked as seen by people."""

import logging
from collections.abc import Iterable
from uuid import UUID, uuid4

from django.db import Error as DatabaseFault
from django.db import connection, transaction
from django.utils import timezone

from audit import clock
from audit.actions import Outcome
from audit.events import Event, clean
from audit.models import Alert, AuditEvent
from audit.receipts import Who

logger = logging.getLogger("audit.alerts")

BURST = 10
BURST_SECONDS = 300

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
    now = timezone.now()
    kind, subject = clean(kind, 40), clean(subject, 150)
    alert_id = uuid4()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            stored_id = alert_id.hex if connection.vendor == "sqlite" else alert_id
            cursor.execute(_UPSERT, [stored_id, kind, subject, clean(message, 1000), now, now])
    except DatabaseFault as error:
        logger.critical("alert %s (%s) cannot be stored: %s", kind, subject, type(error).__name__)
    else:
        logger.error("alert %s (%s)", kind, subject)


def see(alert_id: UUID, name: str) -> bool:
    """Mark an alert as seen by somebody; False when unknown or seen before. Joins the caller's transaction."""
    unseen = Alert.objects.filter(pk=alert_id, seen_at=None)
    return unseen.update(seen_at=timezone.now(), seen_by=name) == 1


def settle(kind: str, subject: str, by: str) -> bool:
    """Mark an alert as seen because its cause is gone, by the program (`by`); False where nobody was waiting for it."""
    unseen = Alert.objects.filter(kind=clean(kind, 40), subject=clean(subject, 150), seen_at=None)
    return unseen.update(seen_at=timezone.now(), seen_by=by) > 0


REFUSALS = frozenset({Outcome.DENIED, Outcome.NOT_FOUND})
"""Outcomes that count alike and cost the same work, so that time does not tell a study of others from none at all."""


def note_refusals(written: Iterable[Event]) -> None:
    """Raise one alert when somebody was refused ten times in five minutes. Asks the database only upon a refusal."""
    for who in {event.who.key: event.who for event in written if event.outcome in REFUSALS}.values():
        if _recent(who) >= BURST:
            subject = who.address if who.kind == "nobody" else who.name
            raise_("denials", f"{who.kind} {subject}", "Many acts were refused within five minutes.")


def _recent(who: Who) -> int:
    since = round((clock.now() - BURST_SECONDS) * 1_000_000)
    mine = AuditEvent.objects.filter(actor_key=who.key, time_us__gt=since, outcome__in=REFUSALS)
    if who.kind == "nobody":
        # Strangers share one name, and their refusals come folded: a row stands for `count` of them.
        rows = mine.filter(actor_address=who.address).values_list("count", flat=True)
        return sum(max(count, 1) for count in rows[: BURST * 10])
    return mine[:BURST].count()
