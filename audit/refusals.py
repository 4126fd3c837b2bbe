"""Folding of refusals before authentication, so that a flood of them cannot fill the log. In memory, bounded.

The first refusal of an address and kind is handed out at once; what follows within the minute is counted and handed
out as one when the minute is over. The log writes what is handed out.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from audit.actions import Action
from audit.receipts import Who

WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 4096
MANY = "many addresses"


@dataclass(frozen=True, slots=True)
class Folded:
    """Refusals of one kind from one address, to be written as one row; `began` is monotonic seconds."""

    action: Action
    who: Who
    details: Mapping[str, Any]
    count: int
    began: float

    @property
    def name(self) -> tuple[str, str, str]:
        return (self.action.value, str(self.details.get("refused", "")), self.who.address)


_lock = Lock()
_open: dict[tuple[str, str, str], Folded] = {}


def fold(action: Action, who: Who, details: Mapping[str, Any]) -> list[Folded]:
    """Take in one refusal; return what must be written now."""
    now = time.monotonic()
    fresh = Folded(action, who, details, 1, now)
    with _lock:
        known = _open.get(fresh.name)
        if known is None and len(_open) >= MOST_ADDRESSES:
            # More addresses than anybody's own mistakes explain: from here on they share one row.
            fresh = replace(fresh, who=replace(who, address=MANY))
            known = _open.get(fresh.name)
        if known is not None and now - known.began < WINDOW_SECONDS:
            _open[fresh.name] = replace(known, who=fresh.who, details=details, count=known.count + 1)
            return []
        _open[fresh.name] = replace(fresh, count=0)
        return [fresh] if known is None or known.count == 0 else [known, fresh]


def due(*, everything: bool = False) -> list[Folded]:
    """Take out the counts whose minute is over (or all of them, at the end of the process)."""
    now = time.monotonic()
    with _lock:
        over = [known for known in _open.values() if everything or now - known.began >= WINDOW_SECONDS]
        for known in over:
            del _open[known.name]
    return [known for known in over if known.count]


def put_back(folded: Folded) -> None:
    """Keep a count that could not be written for the next time."""
    with _lock:
        newer = _open.get(folded.name)
        _open[folded.name] = replace(folded, count=folded.count + (newer.count if newer else 0))


def forget() -> None:
    """Drop every count."""
    with _lock:
        _open.clear()
