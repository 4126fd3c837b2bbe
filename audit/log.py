"""The one writer of the log.

`append` joins the caller's transaction, for acts that stand or fall with their event. `commit` and `receipt` are
durable before they return, for what cannot be taken back. Nothing here asks who may do what.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import Error as DatabaseFault
from django.db import connection, transaction

from audit import alerts, clock, pulse, refusals, tables, turns
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.events import Event, clean
from audit.models import AuditEvent
from audit.receipts import Receipt, Who
from audit.rows import GENESIS, VERSION, Chained, Row, chain
from keystore import keys
from keystore.errors import KeystoreError
from vault.cells import seal_cell, unseal_cell
from vault.errors import Tampered

__all__ = ["DETAILS", "Event", "append", "begin", "commit", "fold_due", "open_details", "receipt", "refused"]

DETAILS = "audit_event.details"
FIRST_LOG = 1


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
    try:
        sealed = [_sealed(event)]
        turns.take(turns.LONG_PATIENCE_MS)
        tables.insert(_linked([event], sealed, (log, 0, GENESIS, head[3])))
        alerts.written((event,))
    except (DatabaseFault, KeystoreError, Tampered) as error:
        raise _unavailable(error) from error


def commit(events: Iterable[Event]) -> None:
    """Write events durably in a transaction of their own. Raises LogUnavailable; RuntimeError inside a transaction."""
    written = tuple(events)
    if not written:
        return
    try:
        with turns.patience(turns.PATIENCE_MS), transaction.atomic(durable=True):
            _append(written, turns.PATIENCE_MS, later=True)
            good = pulse.moment()
        turns.flush()
    except DatabaseFault as error:
        raise _unavailable(error) from error
    pulse.good(good)


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


def _append(events: tuple[Event, ...], patience_ms: int, *, later: bool = False) -> None:
    if not events:
        return
    try:
        sealed = [_sealed(event) for event in events]
        head = tables.read_head(turns.take(patience_ms, later=later, asking=tables.HEAD))
        tables.insert(_linked(events, sealed, head or (FIRST_LOG, 0, GENESIS, 0)))
        alerts.written(events)
    except (DatabaseFault, KeystoreError, Tampered) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> LogUnavailable:
    pulse.fail(f"a write to the log failed ({type(error).__name__})")
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    return LogUnavailable("The record cannot be written.")


def _sealed(event: Event) -> tuple[UUID | None, bytes]:
    if event.sealed is not None:
        return event.sealed
    if event.details is None:
        return None, b""
    key = keys.installation_key("log", str(datetime.now(UTC).year))
    return key.id, seal_cell(key.secret, key.id, DETAILS, event.id, orjson.dumps(event.details, default=str))


def _linked(
    events: Iterable[Event], sealed: list[tuple[UUID | None, bytes]], behind: tuple[int, int, bytes, int]
) -> list[Chained]:
    """Number, date and chain the events behind a row (log, seq, hash, time). Time never runs backwards."""
    log, seq, previous, newest = behind
    time_us = max(newest, round(clock.now() * 1_000_000))
    chained = []
    for event, (key, details) in zip(events, sealed, strict=True):
        seq += 1
        listed = tuple(clean(uid, 64) for uid in event.listed)
        link = chain(_row(event, log, seq, time_us, key, details), listed, previous)
        previous = link.row
        chained.append(link)
    return chained


def _row(event: Event, log: int, seq: int, time_us: int, key: UUID | None, details: bytes) -> Row:
    who = event.who
    return Row(
        log=log,
        seq=seq,
        id=event.id,
        version=VERSION,
        time_us=time_us,
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
