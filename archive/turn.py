"""The one care of the packs at a time: backup, compaction, rekeying and sweep do not come across each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from archive.errors import Unavailable
from audit import turns

TENDING: Final = "tending"


@contextmanager
def tending() -> Iterator[None]:
    """Move, remove or copy packs in this block; no other process of the installation does so. Not for blocks in blocks.

    What stores and reads goes on meanwhile, and so does the destruction of a study. Raises Unavailable where another
    process tends the packs.
    """
    with turns.alone(TENDING) as mine:
        if not mine:
            raise Unavailable(
                "Another care of the packs is under way (backup, compaction, rekeying, sweep); try again later."
            )
        yield
