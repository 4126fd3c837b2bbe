"""Sessions of browsers, as rows: whose, since when, what was proved, and when they end.

The browser holds a random key; the row is found by its digest, so that who reads the table holds no session. The first
sixteen hexadecimal digits of that digest name the session in the log.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import epoch, passing
from accounts.models import Person, Session, SharedLink

IDLE = timedelta(minutes=settings.PACS_SESSION_IDLE_MINUTES)
ABSOLUTE = timedelta(hours=settings.PACS_SESSION_HOURS)
LOCK = timedelta(minutes=settings.PACS_SCREEN_LOCK_MINUTES)
UNPROVED = timedelta(minutes=10)
"""How long a session may stand between the password and the second factor."""
TOUCH_EVERY = timedelta(minutes=1)
NAME_LENGTH = 16


def row_key(key: str) -> str:
    """Return the primary key of the row of a browser's key."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def name(key_of_row: str) -> str:
    """Return how the log names the session with this row."""
    return key_of_row[:NAME_LENGTH]


class SessionStore(SessionBase):
    """Django's contract for its session middleware, over our rows. The end of a session is fixed when it begins."""

    @property
    def row(self) -> str:
        return row_key(self.session_key or "")

    def load(self) -> dict[str, Any]:
        row = Session.objects.filter(pk=self.row, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(row.session_data)
        return data

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(pk=row_key(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        data = self.encode(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        if not must_create:
            if not Session.objects.filter(pk=self.row).update(session_data=data):
                raise UpdateError
            return None
        now = timezone.now()
        try:
            with transaction.atomic():
                Session.objects.create(session_key=self.row, session_data=data, expire_date=now + ABSOLUTE, seen_at=now)
        except IntegrityError as error:
            raise CreateError from error
        return None

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(pk=row_key(key)).delete()

    def leave(self) -> None:
        """Let go of the session, which stands without this browser."""
        self.clear()
        self._session_key = None

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lte=timezone.now()).delete()


def begin(store: SessionStore, person: Person, address: str) -> None:
    """After a right password: a fresh session, whatever key the browser brought. Joins the caller's transaction.

    A locked session is parked: the browser holds its key no longer, and it ends when its person signs in again.
    """
    _renew(store)
    Session.objects.filter(pk=store.row).update(person=person, address=address)


def admit(store: SessionStore, link: SharedLink, address: str) -> None:
    """After a right passphrase: a fresh session of the link, which ends with it. Joins the caller's transaction."""
    _renew(store)
    now = timezone.now()
    Session.objects.filter(pk=store.row).update(
        link=link, address=address, verified_at=now, expire_date=min(now + ABSOLUTE, link.until)
    )


def _renew(store: SessionStore) -> None:
    before, now = Session.objects.filter(pk=store.row, verified_at__isnull=False).first(), timezone.now()
    if before is not None:
        # Whoever was signed in here is out, also of streams that still run.
        epoch.raise_()
    if before is not None and live(before, now) and is_locked(before, now):
        Session.objects.filter(pk=before.pk).update(locked_at=before.locked_at or now, parked_at=now)
        store.leave()
    else:
        store.flush()
    store.create()


def prove(store: SessionStore) -> None:
    """After the second factor: the same session under another key; the old key is dead."""
    old = Session.objects.get(pk=store.row)
    store.cycle_key()
    now = timezone.now()
    Session.objects.filter(person=old.person, parked_at__isnull=False).delete()
    Session.objects.filter(pk=store.row).update(
        person=old.person_id, address=old.address, verified_at=now, stepped_up_at=now
    )


def unlock(store: SessionStore) -> None:
    """After a proof: the locked session under another key, which ends when it would have ended; the old key is dead."""
    old = Session.objects.get(pk=store.row)
    store.cycle_key()
    now = timezone.now()
    Session.objects.filter(pk=store.row).update(
        person=old.person_id,
        address=old.address,
        started_at=old.started_at,
        expire_date=old.expire_date,
        verified_at=old.verified_at,
        stepped_up_at=now,
        seen_at=now,
    )


def step_up(store: SessionStore) -> None:
    """After another second factor within a session."""
    Session.objects.filter(pk=store.row).update(stepped_up_at=timezone.now())


def end(store: SessionStore) -> None:
    """Sign out. Joins the caller's transaction."""
    store.flush()
    epoch.raise_()


def end_named(person: Person, session: str) -> bool:
    """End the person's session with this name in the log; False where there is none."""
    ended, _ = named(session).filter(person=person).delete()
    epoch.raise_()
    return bool(ended)


def end_others(person: Person, session: str) -> None:
    """End every session of the person but the one with this name."""
    Session.objects.filter(person=person).exclude(pk__in=named(session).values("pk")).delete()
    epoch.raise_()


def end_all(person: Person) -> int:
    """End every session of the person, as a change of password or factors must; return how many were signed in."""
    signed_in = len(of(person))
    Session.objects.filter(person=person).delete()
    epoch.raise_()
    return signed_in


def of(person: Person | None = None) -> list[Session]:
    """Return the sessions that stand, of one person or of everybody, the last used first."""
    rows = Session.objects.filter(verified_at__isnull=False, expire_date__gt=timezone.now())
    rows = rows.filter(person=person) if person is not None else rows.exclude(person=None)
    now = timezone.now()
    return [row for row in rows.select_related("person").order_by("-seen_at") if live(row, now)]


def named(session: str) -> Any:
    """Return the rows of the session with this name, by a range of the primary key."""
    return Session.objects.filter(session_key__gte=session, session_key__lt=session + "g")


def live(row: Session, now: datetime) -> bool:
    """Tell whether the session still stands: neither ended, nor idle too long, nor left half signed in."""
    seen = row.seen_at or row.started_at
    whose = row.link.person if row.link is not None else row.person
    if row.expire_date <= now or now - seen > idle(row) or whose is None or not whose.is_active:
        return False
    return row.verified_at is not None or now - row.started_at <= UNPROVED


def idle(row: Session) -> timedelta:
    """Return how long the session may be left alone. That of a link ends where a person's locks: it has no lock."""
    return IDLE if row.link_id is None else min(LOCK, IDLE)


def is_locked(row: Session, now: datetime) -> bool:
    """Tell whether the session's screen is locked: by its person, or because nobody used it for a while."""
    if row.verified_at is None or row.link_id is not None:
        return False
    return row.locked_at is not None or now - (row.seen_at or row.started_at) > LOCK


def touch(row: Session, now: datetime) -> bool:
    """Note that the session is in use, at most once a minute; tell whether that was noted now.

    A note that cannot be written only ends the session sooner.
    """
    if row.seen_at is not None and now - row.seen_at < TOUCH_EVERY:
        return False
    return passing.noted(lambda: Session.objects.filter(pk=row.pk).update(seen_at=now))
