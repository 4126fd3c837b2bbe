"""The one writer of the log.

`append` joins the caller's transaction, for acts that stand or fall with their event. `commit` and `receipt` are
durable before they return, for what cannot be taken back. Nothing here asks who may do what.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import Error as DatabaseFault
from django.db import connection, transaction

from audit import alerts, placing, pulse, refusals, tables, turns
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.events import Event, clean
from audit.grouping import Group, Waited
from audit.models import AuditEvent
from audit.placing import Unplaced
from audit.receipts import Receipt, Who
from audit.rows import GENESIS, VERSION, Row, around
from keystore import keys
from keystore.errors import KeystoreError
from vault.cells import seal_cell, unseal_cell
from vault.errors import Tampered

__all__ = ["DETAILS", "Event", "append", "begin", "commit", "fold_due", "open_details", "receipt", "refused"]

DETAILS = "audit_event.details"


def append(events: Iterable[Event]) -> None:
    """Write events as the last statement of the caller's transaction: the turn is held until that ends.

    Raises LogUnavailable, with which the caller's transaction must fail, and RuntimeError outside a transaction.
    """
    _append(tuple(events), turns.LONG_PATIENCE_MS)


def begin(log: int, event: Event) -> None:
    """Begin a later log with its first event, in the caller's transaction; what comes after it goes there too.

    Raises LogUnavailable, and ValueError unless the log is later than every log that has rows.
    """
    head = tables.head() or (0, 0, GENESIS, 0)
    if log <= head[0]:
        raise ValueError("a log begins behind the one before it")
    with _or_unavailable():
        rows = unplaced([event])
        turns.take(turns.LONG_PATIENCE_MS)
        tables.insert(placing.behind((log, 0, GENESIS, head[3]), rows))
        alerts.written((event,))


def commit(events: Iterable[Event]) -> None:
    """Write events durably in a transaction of their own. Raises LogUnavailable; RuntimeError inside a transaction.

    Threads that come together share one transaction; what calls for an alert has its own, with the alert in it.
    """
    written = tuple(events)
    if not written:
        return
    # Where it is known that nothing can be written, nobody is kept waiting to be told so.
    patience_ms = turns.SHORT_PATIENCE_MS if pulse.lost() else turns.PATIENCE_MS
    if connection.in_atomic_block or alerts.called_for(written):
        with _or_unavailable(), turns.patience(patience_ms), transaction.atomic(durable=True):
            _append(written, patience_ms)
            good = pulse.moment()
        pulse.good(good)
        return
    with _or_unavailable():
        _group.join(unplaced(written), patience_ms / 1000)
    alerts.note_refusals(written)


def receipt(event: Event, study_uids: Iterable[str]) -> Receipt:
    """Make one event durable and return the proof of it, which covers the studies named.

    The event is a sitting of its own, so that what is delivered under it is found with it.
    """
    pulse.check()
    event = event if event.sitting else replace(event, sitting=event.id)
    commit([event])
    return Receipt(
        event.id,
        event.action,
        event.who,
        frozenset(study_uids),
        purpose=event.purpose,
        patient=event.patient,
        sitting=event.sitting,
    )


def refused(action: Action, who: Who, details: Mapping[str, Any] | None = None) -> None:
    """Record the refusal of somebody unknown: one row at once, then one counted row per address, kind and minute.

    The kind is the action and `details["refused"]`. Raises LogUnavailable when a row is due and cannot be written.
    """
    for folded in refusals.fold(action, who, details or {}):
        commit([_refusal(folded)])


def fold_due(*, everything: bool = False) -> None:
    """Write the counted rows of refusals whose minute is over. Raises LogUnavailable, and tries again next time."""
    for folded in refusals.due(everything=everything):
        try:
            commit([_refusal(folded)])
        except LogUnavailable:
            refusals.put_back(folded)
            raise


def open_details(event: AuditEvent) -> dict[str, Any] | None:
    """The details of an event that the log itself sealed; None where there are none or a service sealed them.

    Raises Tampered when they were changed or belong to another row.
    """
    if event.details_key is None:
        return None
    key = keys.find_installation_key(event.details_key, "log")
    if key is None:
        return None
    opened: dict[str, Any] = orjson.loads(unseal_cell(key.secret, key.id, DETAILS, event.id, bytes(event.details)))
    return opened


def _append(events: tuple[Event, ...], patience_ms: int) -> None:
    if not events:
        return
    with _or_unavailable():
        placing.append(unplaced(events), patience_ms)
        alerts.written(events)


def _write(parts: list[tuple[Unplaced, ...]], left: float) -> None:
    """Write what several threads want written, durably, in the order in which they came; `left` seconds of patience."""
    good = pulse.moment()
    # No milliseconds at all would mean waiting for ever.
    placing.write([one for part in parts for one in part], max(int(left * 1000), 1))
    pulse.good(good)


_group = Group(_write)


@contextmanager
def _or_unavailable() -> Iterator[None]:
    """Say that the record cannot be written where the database, the keys or the wait for others says so."""
    try:
        yield
    except (DatabaseFault, KeystoreError, Tampered, Waited) as error:
        pulse.fail(f"a write to the log failed ({type(error).__name__})")
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        raise LogUnavailable("The record cannot be written.") from error


def unplaced(events: Iterable[Event]) -> tuple[Unplaced, ...]:
    """The rows of events, their details sealed, before the log gives each its place. Raises KeystoreError."""
    return tuple(map(_one_unplaced, events))


def _one_unplaced(event: Event) -> Unplaced:
    row, listed = _row(event, *_sealed(event)), tuple(clean(uid, 64) for uid in event.listed)
    return row, listed, around(row, listed)


def _sealed(event: Event) -> tuple[UUID | None, bytes]:
    if event.sealed is not None:
        return event.sealed
    if event.details is None:
        return None, b""
    key = keys.installation_key("log", str(datetime.now(UTC).year))
    return key.id, seal_cell(key.secret, key.id, DETAILS, event.id, orjson.dumps(event.details, default=str))


def _row(event: Event, key: UUID | None, details: bytes) -> Row:
    who = event.who
    return Row(
        log=0,
        seq=0,
        id=event.id,
        version=VERSION,
        time_us=0,
        action=event.action.value,
        outcome=event.outcome.value,
        actor_kind=clean(who.kind, 12),
        actor_key=clean(who.key, 80),
        actor_name=clean(who.name, 150),
        actor_role=clean(who.role, 200),
        actor_address=clean(who.address, 45),
        actor_ae_title=clean(who.ae_title, 16),
        actor_session=clean(who.session, 32),
        request_id=clean(who.request_id, 36),
        purpose=clean(event.purpose, 32),
        study_uid=clean(event.study_uid, 64),
        patient=clean(event.patient, 32),
        sitting=event.sitting,
        count=event.count,
        details_key=key,
        details=details,
    )


def _refusal(folded: refusals.Folded) -> Event:
    return Event(folded.action, Outcome.DENIED, folded.who, count=folded.count, details=folded.details or None)


pulse.chore("refusals", fold_due, partial(fold_due, everything=True))
