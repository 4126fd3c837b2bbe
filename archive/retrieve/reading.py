"""One actor's reading of one study: the gate is asked again between pieces, and what left is told to the journal."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from accounts import gate
from accounts.actors import Actor
from accounts.errors import NotVisible
from archive import keys
from archive.openers import Opener
from archive.retrieve import neighbours, places
from archive.retrieve.places import Place
from audit import journal
from audit.actions import Use
from audit.receipts import Receipt

PIECE: Final = 1024 * 1024
"""The most bytes that leave between two questions to the gate."""

OPENER_SECONDS: Final = 30.0


class Reading:
    """Holds the receipt of a disclosure that is on record, and renews it when its lease ends."""

    def __init__(self, actor: Actor, study_uid: str, receipt: Receipt) -> None:
        self.actor, self.study_uid, self.receipt = actor, study_uid, receipt
        self._opener: Opener | None = None
        self._opened_at = 0.0

    @property
    def opener(self) -> Opener:
        """What opens this study; unlocked anew every half minute, so that a destroyed key soon opens nothing."""
        now = time.monotonic()
        if self._opener is None or now - self._opened_at > OPENER_SECONDS:
            self._opener, self._opened_at = keys.unlock(self.receipt, self.study_uid), now
        return self._opener

    def still(self) -> None:
        """Return if the next piece may leave. Raises LogUnavailable, or NotVisible once the right is gone."""
        self.receipt = gate.still(self.receipt, self.actor)

    def guarded(self, pieces: Iterable[bytes], place: Place, use: Use, frames: Sequence[int] = ()) -> Iterator[bytes]:
        """The pieces, cut small, each released by the gate and noted before it is handed over, whatever comes after."""
        for piece in cut(pieces):
            self.still()
            self.delivered(place, use, len(piece), frames)
            yield piece

    def delivered(self, place: Place, use: Use, nbytes: int, frames: Sequence[int] = ()) -> None:
        """Note that bytes of an instance, or of some of its frames, were handed to the socket."""
        journal.delivered(self.receipt, use, place.series_uid, place.uid, frames, nbytes, study_uid=self.study_uid)


def begin(actor: Actor, study_uid: str, series_uid: str = "", sop_uid: str = "") -> tuple[Reading, list[Place]]:
    """Ask the gate for a view of a study, a series or an instance; the record is durable when this returns.

    Also returns the instances, at least one. Raises NotVisible where there are none or they are not this actor's to
    see, Forbidden, or LogUnavailable.
    """
    if sop_uid:
        lately = neighbours.known(actor, study_uid, series_uid, sop_uid)
        found = [lately] if lately else places.find(study_uid, series_uid, sop_uid)
        patient = found[0].patient if found else ""
        now = Reading(actor, study_uid, gate.view(actor, study_uid, found=bool(found), patient=patient))
        if not lately:
            neighbours.note(actor, found[0])
        return now, found
    known = neighbours.listed(actor, study_uid, series_uid)
    count, patient = (len(known), known[0].patient) if known else places.census(study_uid, series_uid)
    now = Reading(actor, study_uid, gate.view(actor, study_uid, found=bool(count), patient=patient))
    found = known or neighbours.listing(actor, study_uid, series_uid)
    if not found:
        raise NotVisible  # It was removed between the two questions.
    return now, found


def cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at most PIECE; none of them empty."""
    for piece in pieces:
        if len(piece) <= PIECE:
            if piece:
                yield piece
            continue
        view = memoryview(piece)
        for at in range(0, len(view), PIECE):
            yield bytes(view[at : at + PIECE])
