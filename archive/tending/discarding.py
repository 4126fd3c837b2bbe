"""The job `discard`: a pack goes from which everything has moved, once nobody can be on the way to its old places."""

import os
from collections.abc import Callable

from accounts import gate, identify
from archive import stores, turn
from archive.errors import Unavailable
from archive.tending import naming
from audit.actions import Action

JOB = "discard"


def discard(subject: str, progress: Callable[[int, int], None]) -> None:
    """Remove the pack of this name, unless the index names something in it. May be repeated. Raises Unavailable."""
    with turn.tending():
        if naming.living_in(subject):
            return
        with gate.change(identify.system("tend"), Action.SWEPT) as told:
            free = naming.put_out_of_use([subject])
            told["packs"] = len(free)
        try:
            for name in free:
                stores.store().remove(name)
        except OSError as error:
            raise Unavailable(f"A pack could not be removed: {os.strerror(error.errno or 0)}.") from None
    progress(1, 1)
