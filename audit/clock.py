"""The database's clock: the one clock that all processes of an installation share.

A process asks the database now and then, and in between adds what its own monotonic clock says has passed, so that
the pixel path asks nothing and a step of the machine's clock moves nothing.
"""

import time
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

_FRESH_SECONDS = 60.0


class _Known(NamedTuple):
    offset: float  # database seconds since the epoch, less monotonic seconds
    at: float


_known: _Known | None = None


def now() -> float:
    """Seconds since the epoch by the database's clock; asks the database at most once a minute."""
    known = _known
    if known is None or time.monotonic() - known.at > _FRESH_SECONDS:
        return read()
    return time.monotonic() + known.offset


def moment() -> datetime:
    """The same, to compare with columns."""
    return datetime.fromtimestamp(now(), UTC)


def at(time_us: int) -> datetime:
    """A time of the record (µs since 1970) as a moment in UTC."""
    return datetime.fromtimestamp(time_us / 1_000_000, UTC)


def read() -> float:
    """Ask the database. Raises DatabaseError."""
    global _known
    if connection.vendor == "sqlite":
        found = time.time()  # SQLite runs inside this process and has no other clock.
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            found = float(cursor.fetchone()[0])
    at = time.monotonic()
    _known = _Known(found - at, at)
    return found


def forget() -> None:
    """Drop what is known, as after a change of database."""
    global _known
    _known = None
