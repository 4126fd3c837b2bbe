"""Unknown callers: who was refused because nobody here knows it, counted, for one-click adoption or blocking.

An AE title is whatever a stranger writes. So what is kept is bounded: so many titles of one address, so many rows in
all, and what comes beyond is counted together. It is gathered in memory and written every other second at the most, so
that a flood of titles costs no more than one of them.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import epoch
from accounts.models import Caller

MOST_ROWS: Final = 256
MOST_OF_ONE: Final = 16
"""Titles of one address that are told apart."""

MOST_WAITING: Final = 512
EVERY_SECONDS: Final = 2.0
FORGOTTEN_AFTER: Final = timedelta(days=30)
ROOM_AFTER: Final = timedelta(days=1)
"""Who was silent for so long makes room where the list is full."""

MANY: Final = ""
"""In place of a title: several of one address. In place of an address, too: several addresses."""

NAMELESS: Final = "(none)"


@dataclass(frozen=True, slots=True)
class _Call:
    called: str
    failure: str
    times: int
    first_at: datetime
    last_at: datetime


class _Blocked(NamedTuple):
    number: int
    callers: frozenset[tuple[str, str]]


_lock = Lock()
_waiting: dict[tuple[str, str], _Call] = {}
_titles: dict[str, int] = {}
_written_at: float | None = None
_blocked: _Blocked | None = None


def forget() -> None:
    """Drop what is gathered and what is known of who is blocked."""
    global _written_at, _blocked
    with _lock:
        _waiting.clear()
        _titles.clear()
        _written_at, _blocked = None, None


def blocked(ae_title: str, address: str) -> bool:
    """Tell whether this caller was blocked: it is counted, and nobody is told any more."""
    global _blocked
    number = epoch.number()
    known = _blocked
    if known is None or known.number != number:
        rows = Caller.objects.exclude(blocked_by="").values_list("ae_title", "address")
        known = _blocked = _Blocked(number, frozenset(rows))
    return bool({(_clean(ae_title), address), (MANY, address)} & known.callers)


def note(ae_title: str, address: str, called: str, failure: str) -> None:
    """Count a refused caller; what was gathered is written now if it was not within two seconds."""
    now = timezone.now()
    with _lock:
        key = _key(_clean(ae_title), address[:45])
        known = _waiting.get(key)
        if known is None:
            _titles[key[1]] = _titles.get(key[1], 0) + 1
        fresh = _Call(_clean(called), failure, 1, now, now)
        _waiting[key] = fresh if known is None else replace(fresh, times=known.times + 1, first_at=known.first_at)
    if _due():
        flush()


def flush() -> None:
    """Write what was gathered; what cannot be written is gathered further. Raises DatabaseError."""
    global _written_at
    with _lock:
        taken = dict(_waiting)
        _waiting.clear()
        _titles.clear()
        _written_at = time.monotonic()
    if not taken:
        return
    try:
        with transaction.atomic():
            _write(taken)
    except Exception:
        with _lock:
            for key, call in taken.items():
                newer = _waiting.get(key)
                _waiting[key] = replace(newer or call, times=call.times + (newer.times if newer else 0))
        raise


def tick() -> None:
    """Write what waits, if its time has come; call it as often as you like."""
    if _waiting and _due():
        flush()


def listed() -> QuerySet[Caller]:
    """Return the callers that wait for a decision, the latest first."""
    return Caller.objects.filter(blocked_by="").order_by("-last_at", "ae_title")


def count() -> int:
    """Return how many wait for a decision."""
    return Caller.objects.filter(blocked_by="").count()


def named(text: str) -> Caller | None:
    """Return the one caller with this id, as an address of ours carries it; None for anything else."""
    try:
        found = Caller.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None
    return found if found is not None and found.ae_title not in (MANY, NAMELESS) else None


def shut_out() -> QuerySet[Caller]:
    """Return the blocked ones."""
    return Caller.objects.exclude(blocked_by="").order_by("ae_title", "address")


def block(caller: Caller, name: str) -> None:
    """Neither list nor tell of this caller any more. Joins the caller's transaction."""
    Caller.objects.filter(pk=caller.pk).update(blocked_by=name)
    epoch.raise_()


def unblock(caller: Caller) -> None:
    """List this caller again. Joins the caller's transaction."""
    Caller.objects.filter(pk=caller.pk).update(blocked_by="")
    epoch.raise_()


def adopted(ae_title: str) -> None:
    """Take off the list who is a device now. Joins the caller's transaction."""
    Caller.objects.filter(ae_title=ae_title).delete()


def _key(title: str, address: str) -> tuple[str, str]:
    """Under which name a call is counted: its own, or one of those that many share."""
    if (title, address) in _waiting:
        return title, address
    if len(_waiting) >= MOST_WAITING:
        return MANY, MANY
    return (title, address) if _titles.get(address, 0) < MOST_OF_ONE else (MANY, address)


def _due() -> bool:
    return _written_at is None or time.monotonic() - _written_at >= EVERY_SECONDS


def _write(taken: dict[tuple[str, str], _Call]) -> None:
    now = timezone.now()
    Caller.objects.filter(blocked_by="", last_at__lt=now - FORGOTTEN_AFTER).delete()
    known = set(Caller.objects.values_list("ae_title", "address"))
    for (title, address), call in taken.items():
        key = _place(title, address, known, now)
        known.add(key)
        row, made = Caller.objects.get_or_create(
            ae_title=key[0],
            address=key[1],
            defaults={
                "called": call.called,
                "failure": call.failure,
                "times": call.times,
                "first_at": call.first_at,
                "last_at": call.last_at,
            },
        )
        if not made:
            Caller.objects.filter(pk=row.pk).update(
                times=F("times") + call.times, called=call.called, failure=call.failure, last_at=call.last_at
            )


def _place(title: str, address: str, known: set[tuple[str, str]], now: datetime) -> tuple[str, str]:
    """The row that a call is counted in: its own while there is room for it, else one that many share."""
    if (title, address) in known:
        return title, address
    titles = sum(there == address and name != MANY for name, there in known)
    if titles >= MOST_OF_ONE or Caller.objects.filter(ae_title=MANY, address=address).exclude(blocked_by="").exists():
        title = MANY
    if (title, address) in known or len(known) < MOST_ROWS or _made_room(known, now):
        return title, address
    return MANY, MANY


def _made_room(known: set[tuple[str, str]], now: datetime) -> bool:
    oldest = Caller.objects.filter(blocked_by="", last_at__lt=now - ROOM_AFTER).order_by("last_at").first()
    if oldest is None:
        return False
    known.discard((oldest.ae_title, oldest.address))
    oldest.delete()
    return True


def _clean(title: str) -> str:
    """An AE title as it may stand on a page, whatever was sent."""
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in title.strip(" "))
    return plain[:16] or NAMELESS
