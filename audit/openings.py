"""Where one log ends and the next begins: a restored database cannot go on with the log that the anchors know longer.

The next log's first event (`log:opened`) says which log was kept up to which row, in clear columns (`purpose` is
`log-1`, `count` the rows) for verifiers outside, and in its sealed details, which only the installation can have
written, also what the anchors knew by then and which logs are lost altogether.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit import anchors, checkpoints, clock, log, placing, tables
from audit.actions import Action, Outcome
from audit.anchors import Place
from audit.events import Event
from audit.models import AuditEvent, Checkpoint
from audit.receipts import Who
from keystore.errors import KeystoreError
from vault.errors import Tampered


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first event of a log says: which log ends at which row since when, and which logs are lost."""

    log: int
    kept: int
    rows: int
    lost: frozenset[int]
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """The newest checkpoint of a log that an anchor holds."""

    log: int
    rows: int
    root: str


def next_log(who: Who, told: Mapping[str, Any]) -> tuple[int, tuple[Known, ...]]:
    """Begin the log after every log that the database or an anchor knows, in the caller's transaction.

    `told` goes into the sealed details of its first event. A database without any log goes on from log 0, which has no
    rows. Returns the number of the log and what the anchors knew. Raises
    AnchorError or OSError where an anchor cannot be read: then it is not known which number is free.
    """
    head = tables.head() or (0, 0, b"", 0)
    known = _known(anchors.places())
    # Whatever was restored had a first log, be it that neither database nor anchor knows of it any more.
    number = max([placing.FIRST_LOG, head[0], *(one.log for one in known)]) + 1
    lost = list(range(head[0] + 1, number))
    details = {
        **told,
        "kept": {"log": head[0], "rows": head[1]},
        "anchored": [{"log": one.log, "rows": one.rows, "root": one.root} for one in known if one.log >= head[0]],
        "lost": lost,
    }
    purpose = f"log-{head[0]}"
    log.begin(number, Event(Action.LOG_OPENED, Outcome.OK, who, purpose=purpose, count=head[1], details=details))
    return number, known


def openings() -> list[Opening]:
    """What the first events of later logs say, as far as the installation itself sealed them."""
    rows = AuditEvent.objects.filter(seq=1, log__gt=1, action=Action.LOG_OPENED.value).order_by("log")
    return [opening for opening in map(_read, rows) if opening is not None]


def logs_at(places: Sequence[Place]) -> list[int]:
    """The numbers of the logs of which a place holds notes, as far as they follow on what is known here."""
    highest = max([1, *tables.logs(), *Checkpoint.objects.values_list("log", flat=True).distinct()])
    found, number = [], 1
    while number <= highest or any(place.extent(checkpoints.origin(number)) for place in places):
        if any(place.extent(checkpoints.origin(number)) for place in places):
            found.append(number)
        number += 1
    return found


def _known(places: Sequence[Place]) -> tuple[Known, ...]:
    found: dict[int, Known] = {}
    for number in logs_at(places):
        read = checkpoints.reader(number)
        for place in places:
            note = place.newest(checkpoints.origin(number))
            try:
                signed = read(note) if note is not None else None
            except Tampered:
                signed = None  # A verification tells of it; here it only counts that the number is taken.
            rows, root = (signed.size, signed.root.hex()) if signed is not None else (0, "")
            if number not in found or rows > found[number].rows:
                found[number] = Known(number, rows, root)
    return tuple(found.values())


def _read(row: AuditEvent) -> Opening | None:
    try:
        told = log.open_details(row) or {}
        kept, lost = told["kept"], told["lost"]
        at = clock.at(row.time_us)
        return Opening(row.log, int(kept["log"]), int(kept["rows"]), frozenset(map(int, lost)), at)
    except (Tampered, KeystoreError, KeyError, TypeError, ValueError):
        return None
