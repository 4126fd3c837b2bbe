"""Who reads one image of a series soon reads the next: where those around it lie, looked up once for one actor.

Only what this actor was permitted to see is kept, and for that actor alone, so that nobody else learns from how long an
answer takes that somebody reads a study. It is kept for a second: who marks an image as damaged, replaces or moves it
is obeyed after that, and at once where the access epoch rises.
"""

import time
from typing import Final

from accounts import epoch
from accounts.actors import Actor
from accounts.recent import Recent
from archive.retrieve import places
from archive.retrieve.places import Place

MOST: Final = 4096
"""Instances of a list that are remembered; a longer one is looked up each time."""

BEHIND, AHEAD = 16, 64
"""How far around an instance, by InstanceNumber, others are looked up with it: a long series as fast as a short one."""

_Name = tuple[str, str, str]

_first: Recent[_Name, str] = Recent(most=1024)
_around: Recent[tuple[_Name, str], Place] = Recent(most=8192)
_lists: Recent[_Name, list[Place]] = Recent(most=32)


def known(actor: Actor, study_uid: str, series_uid: str, sop_uid: str) -> Place | None:
    """Where an instance lies, if it was looked up for this actor within the last second."""
    return _around.get(((actor.key, study_uid, series_uid), sop_uid))


def note(actor: Actor, place: Place) -> None:
    """After the gate permitted an instance: the second of its series within a second has those around it looked up."""
    name = (actor.key, place.study_uid, place.series_uid)
    before = _first.get(name)
    number, began = epoch.number(), time.monotonic()
    if before is None:
        _first.keep(name, place.uid, number, began)
    elif before != place.uid:
        for one in places.around(place, BEHIND, AHEAD):
            _around.keep((name, one.uid), one, number, began)


def listed(actor: Actor, study_uid: str, series_uid: str) -> list[Place] | None:
    """The instances of a study or series, if they were listed for this actor within the last second."""
    return _lists.get((actor.key, study_uid, series_uid))


def listing(actor: Actor, study_uid: str, series_uid: str) -> list[Place]:
    """The instances of a study or series that the gate permitted, looked up now."""
    number, began = epoch.number(), time.monotonic()
    found = places.find(study_uid, series_uid)
    if 0 < len(found) <= MOST:
        _lists.keep((actor.key, study_uid, series_uid), found, number, began)
    return found


def forget() -> None:
    """Drop everything."""
    _lists.forget()
    _first.forget()
    _around.forget()
