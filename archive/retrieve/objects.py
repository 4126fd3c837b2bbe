"""Whole instances on their way out, as received or rewritten in a transfer syntax the receiver can read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from accounts.actors import Actor
from archive import packs, render
from archive.dataset import part10, plain_dataset, read_meta
from archive.dataset.uids import DEFLATED, EXPLICIT_LITTLE
from archive.errors import Damaged, Malformed, Undecodable
from archive.openers import Opener
from archive.retrieve import places, reading
from archive.retrieve.places import Place
from archive.retrieve.reading import Reading
from audit.actions import Use
from vault.objects import Kind

AS_STORED: Final = ("*",)
AT_ONCE: Final = 4 * 1024 * 1024
"""Objects up to this size are opened whole, so that not one byte leaves before the last was authenticated."""

_SEALED_READ: Final = 1024 * 1024
_PREAMBLE: Final = 128


@dataclass(frozen=True, slots=True)
class Opened:
    """One instance on its way out. `size` is that of all chunks together; chunks can be taken once, in order."""

    sop_uid: str
    series_uid: str
    sop_class: str
    transfer_syntax: str
    size: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Instances:
    """Instances on their way out, on record already; to be gone through once.

    `planned` are transfer syntax and size of each, in order; None where some are rewritten and the sizes not yet known.
    `left_out` counts those that are marked as damaged and therefore missing here.
    """

    planned: tuple[tuple[str, int], ...] | None
    all: Iterator[Opened]
    still: Callable[[], None]
    """Asks the gate once more, for who gathers what was given before it leaves. Raises LogUnavailable, NotVisible."""

    left_out: int = 0

    def __iter__(self) -> Iterator[Opened]:
        return self.all


def instances(
    actor: Actor,
    study_uid: str,
    series_uid: str = "",
    sop_uid: str = "",
    *,
    use: Use = Use.RETRIEVED,
    syntaxes: Sequence[str] = AS_STORED,
) -> Instances:
    """The instances of a study, a series, or one, in order; on record before this returns.

    `syntaxes` are what the receiver takes, `*` meaning as stored. What is stored in none of them is decoded to Explicit
    VR Little Endian where that is among them. What is marked as damaged is left out. Raises NotVisible, Forbidden,
    LogUnavailable, Undecodable where no instance can be given in any of the syntaxes, and Damaged where none is whole.
    """
    now, found = reading.begin(actor, study_uid, series_uid, sop_uid)
    given = [place for place in found if suits(place, syntaxes)]
    if not given:
        raise Undecodable("These objects cannot be given in the transfer syntax asked for.")
    whole = [place for place in given if place.damaged_at is None]
    if not whole:
        places.require_unmarked(given[0])
    left_out, given = len(given) - len(whole), whole
    rewritten = any(not _as_stored(place, syntaxes) for place in given)
    planned = None if rewritten else tuple((place.transfer_syntax, place.size) for place in given)
    return Instances(planned, (opened(now, place, use, syntaxes) for place in given), now.still, left_out)


def _as_stored(place: Place, syntaxes: Sequence[str]) -> bool:
    return "*" in syntaxes or place.transfer_syntax in syntaxes


def suits(place: Place, syntaxes: Sequence[str]) -> bool:
    """Whether an instance can be given in one of the transfer syntaxes."""
    if _as_stored(place, syntaxes):
        return True
    return EXPLICIT_LITTLE in syntaxes and place.transfer_syntax in render.DECODABLE


def opened(now: Reading, place: Place, use: Use, syntaxes: Sequence[str] = AS_STORED) -> Opened:
    """One instance, its bytes opened as they are taken; a small or rewritten one is opened here. Raises Damaged."""
    now.still()
    if not _as_stored(place, syntaxes):
        rewritten = _explicit(now.opener, place)
        if rewritten is not None:
            chunks = now.guarded([rewritten], place, use)
            return Opened(place.uid, place.series_uid, place.sop_class, EXPLICIT_LITTLE, len(rewritten), chunks)
    if place.size <= AT_ONCE:
        chunks = iter([disarmed(places.whole(now.opener, place))])
    else:
        chunks = _streamed(now.opener, place)
    return Opened(
        place.uid,
        place.series_uid,
        place.sop_class,
        place.transfer_syntax,
        place.size,
        now.guarded(chunks, place, use),
    )


def _explicit(opener: Opener, place: Place) -> bytes | None:
    """The instance in Explicit VR Little Endian; None where it cannot be decoded and therefore goes as it is stored."""
    stored = places.whole(opener, place)
    try:
        if place.transfer_syntax in DEFLATED:
            return part10(plain_dataset(stored, read_meta(stored)), place.sop_class, place.uid, EXPLICIT_LITTLE)
        return render.explicit(stored)
    except (Damaged, Malformed, Undecodable):
        return None


def disarmed(part10: bytes) -> bytes:
    """The file with zeros for a preamble that could make it a program of another kind (CVE-2019-11687)."""
    if part10[_PREAMBLE : _PREAMBLE + 4] == b"DICM" and any(part10[:_PREAMBLE]):
        return bytes(_PREAMBLE) + part10[_PREAMBLE:]
    return part10


def as_received(opener: Opener, place: Place) -> Iterator[bytes]:
    """An instance in pieces, as it was received; that it is whole is known at the end. Raises Damaged."""
    # Whoever reads for long comes to it late: it may lie elsewhere by now.
    place = places.moved(place) or place
    places.require_unmarked(place)
    with packs.reading(place.pack, place.offset, place.again) as sealed:
        lengths = range(0, place.length, _SEALED_READ)
        stored = (sealed(at, min(_SEALED_READ, place.length - at)) for at in lengths)
        yield from opener.stream(place.key_id, Kind.INSTANCE, place.id, place.generation, place.slots, stored)


def _streamed(opener: Opener, place: Place) -> Iterator[bytes]:
    """The same with the preamble disarmed; the first piece of a large instance holds far more than that."""
    pieces = as_received(opener, place)
    yield disarmed(next(pieces))
    yield from pieces
