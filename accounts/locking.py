"""The screen lock: a session that stands and may nothing, until its person proves the second factor again.

The server holds the lock, not the page: while it lasts, the session's cookie opens nothing, and what streamed has
ended. The page asks every second whether the session stands, and so do pages that nobody looks at.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import desks, epoch, factors, identify, sessions
from accounts.actors import NOBODY
from accounts.factors import passkeys
from accounts.models import Person, Session
from accounts.sessions import SessionStore
from audit import alerts, log
from audit.actions import Action, Outcome
from audit.receipts import Who

ALSO_WITHIN: Final = timedelta(seconds=10)
"""How long after the lock another page of the same session may still hand in what was laid out on it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session is at one moment: whose, locked or not, and in how many seconds it locks or ends by itself.

    `whose` is the id of its person, or of a shared link, whose session has no lock.
    """

    whose: UUID
    person: Person | None
    locked: bool
    locks_in: int
    ends_in: int


def standing(store: SessionStore, *, in_use: bool) -> Standing | None:
    """Return how the browser's session stands, by one query; None if it is over. Only `in_use` counts as a use.

    A session that was left alone for too long is locked here, on record, so that what it streams ends as well.
    """
    now = timezone.now()
    row = _row(store, now)
    if row is None:
        return _of_link(store, now, in_use=in_use)
    person: Person = row.person  # type: ignore[assignment] # of a live session
    locked = sessions.is_locked(row, now)
    if locked and row.locked_at is None:
        _lock(row, row.address, now, by="idle")
    used = in_use and not locked and sessions.touch(row, now)
    seen = now if used else row.seen_at or row.started_at
    ends = min(row.expire_date, seen + sessions.IDLE)
    return Standing(person.id, person, locked, _seconds(seen + sessions.LOCK - now), _seconds(ends - now))


def _of_link(store: SessionStore, now: datetime, *, in_use: bool) -> Standing | None:
    """How the browser's session of a shared link stands; None if it has none, or whoever made it may not share."""
    rows = Session.objects.select_related("link__person").filter(pk=store.row, link__isnull=False)
    row = rows.first() if store.session_key else None
    if row is None or row.link is None or not sessions.live(row, now) or not identify.link_actor(row.link).verified:
        return None
    seen = now if in_use and sessions.touch(row, now) else row.seen_at or row.started_at
    left = _seconds(min(row.expire_date, seen + sessions.idle(row)) - now)
    return Standing(row.link.id, None, locked=False, locks_in=left, ends_in=left)


def lock(store: SessionStore, address: str, laid_out: tuple[str, bytes] | None = None) -> bool:
    """Lock the browser's session; `laid_out` is a study's UID and what the viewer had on the screen of it.

    False where no session stands, or was locked before but for the last seconds. Raises Unacceptable.
    """
    now = timezone.now()
    row = _row(store, now)
    if row is None or (sessions.is_locked(row, now) and (row.locked_at is None or now - row.locked_at > ALSO_WITHIN)):
        return False
    _lock(row, address, now, by="person", laid_out=laid_out)
    return True


def holder(store: SessionStore) -> Person | None:
    """Return whose locked session the browser holds; None where it holds none that is locked."""
    now = timezone.now()
    row = _row(store, now)
    return row.person if row is not None and sessions.is_locked(row, now) else None


def by_code(store: SessionStore, typed: str, address: str, *, on_screen: bool = False) -> bool:
    """Open the browser's locked session by a code or a recovery code; wrong ones count as they do at the sign-in.

    What is still `on_screen` behind the lock is not kept any longer; else it waits for its study to be opened.
    """
    person = holder(store)
    if person is None:
        return False
    factor = factors.prove(person, typed)
    opened = _opened(store, person, address, factor, "code", on_screen=on_screen)
    if factor == "recovery code":
        alerts.raise_("recovery-code-used", person.username, "A recovery code was used to unlock a screen.")
    return opened


def by_passkey(store: SessionStore, host: str, answer: str, address: str, *, on_screen: bool = False) -> bool:
    """The same with the answer of a passkey to the challenge of this session, under the host of the request."""
    person = holder(store)
    if person is None:
        return False
    factor = passkeys.prove(person, store.row, host, answer)
    return _opened(store, person, address, factor, "passkey", on_screen=on_screen)


def _row(store: SessionStore, now: datetime) -> Session | None:
    """Return the row of the browser's session, if both factors were given and it stands, locked or not."""
    rows = Session.objects.select_related("person").filter(pk=store.row, link=None)
    row = rows.first() if store.session_key else None
    return row if row is not None and row.verified_at is not None and sessions.live(row, now) else None


def _lock(row: Session, address: str, now: datetime, *, by: str, laid_out: tuple[str, bytes] | None = None) -> None:
    person: Person = row.person  # type: ignore[assignment] # of a live session
    who = identify.person_actor(person, address=address, session=sessions.name(row.pk)).who
    with transaction.atomic(durable=True):
        first = Session.objects.filter(pk=row.pk, locked_at=None).update(locked_at=now)
        if laid_out is not None:
            desks.keep(row, *laid_out, now)
        if first:
            epoch.raise_()
            log.append([log.Event(Action.SCREEN_LOCKED, Outcome.OK, who, details={"by": by})])


def _opened(
    store: SessionStore, person: Person, address: str, factor: str | None, shown: str, *, on_screen: bool
) -> bool:
    """Open the session under another key: whoever copied the cookie while it was locked holds nothing.

    Without a `factor` what was `shown` proved nothing, which is put on record.
    """
    if factor is None:
        log.refused(Action.SCREEN_UNLOCKED, _claimed(person, address), {"refused": shown})
        return False
    with transaction.atomic(durable=True):
        if on_screen:
            desks.clear(sessions.name(store.row))
        sessions.unlock(store)
        who = identify.person_actor(person, address=address, session=sessions.name(store.row)).who
        log.append([log.Event(Action.SCREEN_UNLOCKED, Outcome.OK, who, details={"factor": factor})])
    return True


def _claimed(person: Person, address: str) -> Who:
    return replace(replace(NOBODY, address=address).who, key=f"person:{person.id}", name=person.username)


def _seconds(left: timedelta) -> int:
    return max(int(left.total_seconds()), 0)
