"""A flush of the packs that is under way while the rows of what lies in them are written."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from archive import packs
from archive.packs import Place

Durable = Callable[[], None]
"""Returns once the places are durable, however often it is asked. Raises NotDurable."""

_lock = Lock()
_pool: ThreadPoolExecutor | None = None


def begin(places: Iterable[Place]) -> Durable:
    """Begin to make appended places durable, beside the caller, who must ask before relying on it."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(1, thread_name_prefix="flush")
        return _pool.submit(packs.flush, list(places)).result


def _disown() -> None:
    """A forked child has not the thread of its parent."""
    global _lock, _pool
    _lock, _pool = Lock(), None


os.register_at_fork(after_in_child=_disown)
