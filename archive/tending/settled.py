"""Whether what the index does not name may be thrown away, or may be what a restored index has lost."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone

from archive.errors import Unsuitable
from audit import tables

GRACE: Final = timedelta(days=7)


def require(grace: timedelta = GRACE) -> None:
    """Return unless this database was restored within the grace. Raises Unsuitable."""
    log = max(tables.logs(), default=1)
    begun = tables.begun_us(log) if log > 1 else None
    if begun is None:
        return
    moment = datetime.fromtimestamp(begun / 1_000_000, UTC)
    if timezone.now() - moment < grace:
        raise Unsuitable(
            f"This database was restored on {moment:%Y-%m-%d}; what it does not name may be what it lost: "
            "run `archive check --rebuild` first. Nothing was removed."
        )
