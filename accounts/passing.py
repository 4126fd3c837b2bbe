"""Notes that nothing depends on: when a token, a session, a device was last in use. Nobody who reads waits for them."""

from collections.abc import Callable
from typing import Final

from django.db import Error as DatabaseFault

from audit import pulse, turns

PATIENCE_MS: Final = 250
"""How long a note waits for another writer of SQLite; on Postgres it waits for none."""


def noted(write: Callable[[], object]) -> bool:
    """Tell whether `write` could make its note soon; where the record cannot be written, it is not even tried."""
    if pulse.lost():
        return False
    try:
        with turns.patience(PATIENCE_MS):
            return bool(write())
    except DatabaseFault:
        return False
