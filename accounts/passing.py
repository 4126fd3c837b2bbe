"""Notes that nothing depends on: when a token, a session, a device was last in use. Nobody who reads waits for them."""

from collections.abc import Callable

from django.db import Error as DatabaseFault

from audit import pulse, turns


def noted(write: Callable[[], object]) -> bool:
    """Tell whether `write` could make its note soon; where the record cannot be written, it is not even tried."""
    if pulse.lost():
        return False
    try:
        with turns.patience(turns.SHORT_PATIENCE_MS):
            return bool(write())
    except DatabaseFault:
        return False
