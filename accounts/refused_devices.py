"""What is kept of a device that was refused: why, from where and when; seldom written, however often it is tried."""

import time
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import Final
from uuid import UUID

from django.utils import timezone

from accounts import devices, failures
from accounts.models import Device
from audit import refusals

EVERY_SECONDS: Final = 10.0
"""How often the same failure of the same device is written, and a failing address is looked up, at the most."""

MOST_KEPT: Final = 4096
MOST_NAMED: Final = 8
MOST_PLACES: Final = 64
_A_DAY_SECONDS: Final = 86400.0
_IPV6_NEIGHBOURS: Final = 64

_lock = Lock()
_told: dict[tuple[str, str], float] = {}
_places: set[str] = set()
_places_since = 0.0


def forget() -> None:
    """Write the next failure at once."""
    with _lock:
        _told.clear()
        _places.clear()


def due(subject: str, code: str) -> bool:
    """Tell whether this is to be written now, and take it that it will be."""
    now = time.monotonic()
    with _lock:
        before = _told.get((subject, code))
        if before is not None and now - before < EVERY_SECONDS:
            return False
        if len(_told) >= MOST_KEPT:
            _told.clear()
        _told[subject, code] = now
        return True


def note(device_id: UUID | str, code: str, address: str) -> None:
    """Keep, for the device's page, why it was last refused: one of `accounts.failures`."""
    if due(str(device_id), code):
        told = {"last_failure": code, "last_failed_from": address[:45], "last_failed_at": timezone.now()}
        Device.objects.filter(pk=device_id).update(**told)


def note_at(address: str, code: str) -> list[str]:
    """Keep a failure of whoever called from an address before it gave an AE title; return whom it may have been.

    These are the devices with the narrowest range around the address: where a certificate has ended those whose has,
    else those that speak TLS, if there are any such.
    """
    there = _around(address)
    now = timezone.now()
    ended = [one for one in there if one.certificate_ends is not None and one.certificate_ends <= now]
    secured = [one for one in there if one.only_tls]
    likely = ((code == failures.ENDED and ended) or secured or there)[:MOST_NAMED]
    for one in likely:
        note(one.id, code, address)
    return [one.ae_title for one in likely]


def neighbourhood(address: str) -> str:
    """Return the address, or the network of an IPv6 address: who has one such address has all of them."""
    given = ip_address(address)
    return address if given.version == 4 else str(ip_network(f"{given}/{_IPV6_NEIGHBOURS}", strict=False))


def named_place(address: str) -> str:
    """Return the name under which a failing address is told of; of so many a day each has its own."""
    global _places_since
    place, now = neighbourhood(address), time.monotonic()
    with _lock:
        if now - _places_since > _A_DAY_SECONDS:
            _places.clear()
            _places_since = now
        if place in _places or len(_places) < MOST_PLACES:
            _places.add(place)
            return place
    return refusals.MANY


def _around(address: str) -> list[Device]:
    active = Device.objects.filter(is_active=True).order_by("ae_title")
    there = [(ip_network(one.address).num_addresses, one) for one in active if devices.at_home(one, address)]
    narrowest = min((size for size, _ in there), default=0)
    return [one for size, one in there if size == narrowest]
