"""Who was found to be in scope of which study, so that a stream asks the database once and not between its chunks.

Only a yes is kept, until the access epoch rises or the access row that said so ends. Whoever narrows a scope raises
the epoch in the same transaction.
"""

from datetime import datetime
from threading import Lock
from typing import Literal, NamedTuple

from accounts import epoch, scope
from accounts.actors import Actor
from audit import clock

MOST_KEPT = 16384


class _Yes(NamedTuple):
    number: int
    until: datetime | None


_lock = Lock()
_kept: dict[tuple[str, str, str], _Yes] = {}


def forget() -> None:
    """Drop everything remembered."""
    with _lock:
        _kept.clear()


def covers(actor: Actor, study_uid: str) -> datetime | Literal[False] | None:
    """Answer as `scope.covers` does, from memory while that answer still holds."""
    number = epoch.number()
    place = (actor.key, actor.session, study_uid)
    found = _kept.get(place)
    if found is not None and found.number == number and (found.until is None or found.until > clock.moment()):
        return found.until
    answer = scope.covers(actor, study_uid)
    with _lock:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        if answer is False:
            _kept.pop(place, None)
        else:
            _kept[place] = _Yes(number, answer)
    return answer
