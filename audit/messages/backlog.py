"""What waits to be told: the next rows of the log and the next checkpoints as frames, a bounded batch at a time."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import Q

from audit import tables
from audit.messages import frames, mapping, xml
from audit.messages.cursor import Place
from audit.messages.mapping import Message, Source
from audit.models import Checkpoint

MOST_ROWS = 50


class Batch(NamedTuple):
    """Frames to be written, and where the cursor may go once they are safe."""

    frames: bytes
    place: Place


def after(place: Place, source: Source) -> Batch | None:
    """The next rows behind a place, else the next checkpoints, or None where nothing waits."""
    log, rows = _rows(place.log, place.seq)
    if rows:
        return Batch(_frames(log, rows, source), place._replace(log=log, seq=int(rows[-1][1])))
    notes = _notes(place)
    if notes:
        written = b"".join(_note(one, source) for one in notes)
        return Batch(written, place._replace(note_log=notes[-1].log, note_size=notes[-1].size))
    return None


def _rows(log: int, seq: int) -> tuple[int, list[tuple[Any, ...]]]:
    """Rows behind one of a log. Once a later log has begun nothing is added to this one, so it is asked for first."""
    head = tables.head()
    rows = tables.page(log, seq, MOST_ROWS)
    if rows or head is None or head[0] <= log:
        return log, rows
    later = min(one for one in tables.logs() if one > log)
    return later, tables.page(later, 0, MOST_ROWS)


def _notes(place: Place) -> list[Checkpoint]:
    behind = Q(log__gt=place.note_log) | Q(log=place.note_log, size__gt=place.note_size)
    # No checkpoint is told before its rows: whoever reads the collector's file can check each when it comes.
    told = Q(log__lt=place.log) | Q(log=place.log, size__lte=place.seq)
    return list(Checkpoint.objects.filter(behind & told).order_by("log", "size")[:MOST_ROWS])


def _frames(log: int, rows: Sequence[tuple[Any, ...]], source: Source) -> bytes:
    listed = tables.listed(log, rows[0][1], rows[-1][1])
    written = []
    for stored in rows:
        seq = int(stored[1])
        message = _message(log, seq, stored, [str(uid) for _, uid in listed.get(seq, ())], source)
        head = frames.Head(message.time, source.host, os.getpid(), log)
        written.append(frames.audit(head, xml.document(message), outcome=message.outcome, seq=seq))
    return b"".join(written)


def _message(log: int, seq: int, stored: tuple[Any, ...], listed: list[str], source: Source) -> Message:
    try:
        row, _, chained = tables.decode(stored)
        return mapping.message(row, tuple(listed), chained, source)
    except (tables.Unreadable, TypeError, ValueError, OverflowError):
        return mapping.unreadable(log, seq, 0, source)


def _note(one: Checkpoint, source: Source) -> bytes:
    time = one.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return frames.note(frames.Head(time, source.host, os.getpid(), one.log), one.note, size=one.size)
