"""The job `discard`: a pack goes from which everything has moved, once nobody can be on the way to its old places."""

import os
from collections.abc import Callable
from typing import Final

from accounts import gate, identify
from archive import jobs, stores, turn
from archive.errors import Unavailable, Unsuitable
from archive.fixity import whereabouts
from archive.tending import naming, settled
from audit import turns
from audit.actions import Action

JOB: Final = "discard"
DELAY: Final = 15 * 60.0
"""Seconds for which a pack stays after its records were moved: whoever has looked up the old place soon has read it."""

_AGAIN: Final = 60.0
_NOT_YET: Final = 86_400.0


def promise(names: list[str]) -> None:
    """Promise in the caller's transaction that these packs go, if nobody names them by then."""
    jobs.promise_many(jobs.Work(JOB, name, DELAY) for name in names)


def discard(subject: str, progress: Callable[[int, int], None]) -> None:
    """Remove the pack of this name, unless the index names something in it. May be repeated. Raises Unavailable.

    Whoever tends the packs comes first, and after a restore nothing goes that the index may have lost: the work is then
    promised anew.
    """
    with turns.alone(turn.TENDING) as mine:
        if not mine:
            jobs.promise(JOB, subject, _AGAIN)
            return
        whereabouts.require_present()
        try:
            settled.require()
        except Unsuitable:
            jobs.promise(JOB, subject, _NOT_YET)
            return
        if naming.living_in(subject):
            return
        with gate.change(identify.system("tend"), Action.SWEPT) as told:
            free = naming.put_out_of_use([subject])
            told["packs"] = len(free)
        for name in free:
            remove(name)
    progress(1, 1)


def remove(name: str) -> None:
    """Remove a pack whose name is out of use. May be repeated. Raises Unavailable."""
    try:
        stores.store().remove(name)
    except OSError as error:
        raise Unavailable(f"A pack could not be removed: {os.strerror(error.errno or 0)}.") from None
