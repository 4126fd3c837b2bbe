"""The machines behind a device, as the headers of what it sends name them; people are told when these change.

A header is whatever the sender writes. Nothing is decided by it, what is kept is bounded, and what does not change is
remembered, so that it costs no question; a device that never names the same twice is asked once an hour.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Device, Equipment
from audit import alerts

MOST_OF_ONE: Final = 64
"""Machines that are told apart behind one device: an archive that sends on has many."""

MOST_CHANGES: Final = 20
AGAIN_AFTER: Final = timedelta(days=1)
"""Two programs on one machine may name different versions: a version seen so lately is no change."""

KEEP_SECONDS: Final = 3600.0
MOST_KEPT: Final = 4096
_LONGEST: Final = 64
_LONGEST_SOFTWARE: Final = 200


class Headers(NamedTuple):
    """Maker (0008,0070), model (0008,1090), serial number (0018,1000), station (0008,1010), software (0018,1020)."""

    maker: str
    model: str
    serial: str
    station: str
    software: str


@dataclass(frozen=True, slots=True)
class _Known:
    versions: frozenset[str] | None  # None: so much has changed that nothing more is asked for a while
    until: float  # monotonic

    def covers(self, software: str) -> bool:
        return self.until > time.monotonic() and (self.versions is None or software in self.versions)


_lock = Lock()
_known: dict[tuple[str, str, str, str], _Known] = {}


def forget() -> None:
    """Drop what is remembered."""
    with _lock:
        _known.clear()


def seen(device_id: str, headers: Headers) -> None:
    """Take in what one object says of the machine that made it. Raises DatabaseError."""
    if not headers.maker and not headers.model:
        return
    key = (device_id, headers.maker, headers.model, headers.serial)
    everyone = (device_id, "", "", "")
    if any(known.covers(headers.software) for known in (_known.get(key), _known.get(everyone)) if known is not None):
        return
    versions = _kept(device_id, _plain(headers))
    # As the headers spell it, so that what is remembered is found before anything is made plain.
    _remember(key, None if versions is None else frozenset({*versions, headers.software}))
    if versions is None:
        _remember(everyone, None)


def _remember(key: tuple[str, str, str, str], versions: frozenset[str] | None) -> None:
    with _lock:
        if len(_known) >= MOST_KEPT:
            _known.clear()
        _known[key] = _Known(versions, time.monotonic() + KEEP_SECONDS)


def of(device: Device) -> QuerySet[Equipment]:
    """Return the machines behind a device, the latest change first."""
    return Equipment.objects.filter(device=device).order_by("-changed_at", "-first_seen_at")


def everything() -> QuerySet[Equipment]:
    """Return every machine that is known."""
    return Equipment.objects.select_related("device").order_by("device__ae_title", "maker", "model", "serial")


def _kept(device_id: str, headers: Headers) -> set[str] | None:
    """Keep what is new of a machine and tell of it; return the versions that are none any more.

    None where the device names more machines, or a machine more versions, than anybody has.
    """
    now, told = timezone.now(), ""
    with transaction.atomic():
        # One at a time for each device: two processes that meet a new machine tell of it once.
        device = Device.objects.select_for_update().filter(pk=UUID(device_id)).first()
        if device is None:
            return set()
        machines = Equipment.objects.filter(device=device)
        row = machines.filter(maker=headers.maker, model=headers.model, serial=headers.serial).first()
        if row is None:
            others = machines.count()
            told = _new(device, others, headers, now)
            versions, full = {headers.software}, others >= MOST_OF_ONE
        else:
            told = _changed(device, row, headers, now)
            versions = _recent(row, now)
            full = len(versions) > MOST_CHANGES
    if told:
        alerts.raise_("equipment", device.ae_title, told)
    return None if full else versions


def _new(device: Device, others: int, headers: Headers, now: datetime) -> str:
    if others < MOST_OF_ONE:
        Equipment.objects.create(device=device, **headers._asdict(), first_seen_at=now)
    # The first machine is how the device came; whatever comes beside it is news.
    return f"Another machine sends as {device.ae_title}: {_named(headers)}." if others else ""


def _changed(device: Device, row: Equipment, headers: Headers, now: datetime) -> str:
    if not headers.software or headers.software in _recent(row, now):
        return ""
    was = row.software
    change = {"at": now.isoformat(), "was": was, "now": headers.software}
    row.changes = [change, *row.changes][:MOST_CHANGES]
    row.software, row.station, row.changed_at = headers.software, headers.station, now
    row.save(update_fields=["changes", "software", "station", "changed_at"])
    return f"The software of {device.ae_title} ({_named(headers)}) is now “{row.software}”; it was “{was}”."


def _recent(row: Equipment, now: datetime) -> set[str]:
    """The version of now, and those of changes within a day."""
    lately: list[dict[str, Any]] = [
        change for change in row.changes if now - datetime.fromisoformat(change["at"]) < AGAIN_AFTER
    ]
    return {row.software, *(change["was"] for change in lately), *(change["now"] for change in lately)}


def _named(headers: Headers) -> str:
    return ", ".join(filter(None, (headers.maker, headers.model, headers.serial and f"serial {headers.serial}")))


def _plain(headers: Headers) -> Headers:
    """The headers as they may stand on a page and in an alert."""
    cut = (_LONGEST, _LONGEST, _LONGEST, _LONGEST, _LONGEST_SOFTWARE)
    return Headers(*(_text(value, most) for value, most in zip(headers, cut, strict=True)))


def _text(value: str, most: int) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in value.replace("\\", ", "))
    return " ".join(printable.split())[:most]
