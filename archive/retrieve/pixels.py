"""Frames on their way out: ranged reads of exactly their bytes, as stored or decoded to uncompressed little endian."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from accounts.actors import Actor
from archive import render
from archive.dataset.uids import EXPLICIT_LITTLE
from archive.errors import Undecodable, Unsuitable
from archive.frames import FrameTable
from archive.openers import Opener
from archive.retrieve import places, reading
from archive.retrieve.places import Place
from archive.retrieve.reading import Reading
from audit.actions import Use

_TAG_VR_LENGTH: Final = 12
"""Bytes of an explicit element's head with a long length, as pixel data has it."""

USUAL: Final = 1 << 16
"""Bytes of a header that may be read along with the pixels behind it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame on its way out; its pieces can be taken once."""

    number: int
    size: int
    pieces: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of one instance, on record as viewed. `stored` is the transfer syntax they go out in unless decoded.

    Native frames go out as little endian whatever they were written in, so theirs is Explicit VR Little Endian.
    """

    now: Reading
    place: Place
    table: FrameTable
    numbers: tuple[int, ...]
    use: Use

    @property
    def stored(self) -> str:
        return self.place.transfer_syntax if self.table.encapsulated else EXPLICIT_LITTLE

    def sizes(self, *, decoded: bool = False) -> tuple[int, ...] | None:
        """The size of each part as far as it is known beforehand."""
        spans = self.table.spans
        if (decoded and self.table.encapsulated) or any(number > len(spans) for number in self.numbers):
            return None
        return tuple(sum(length for _, length in spans[number - 1]) for number in self.numbers)

    def parts(self, *, decoded: bool = False) -> Iterator[Frame]:
        """Each frame in the order asked for. Raises Unsuitable where one cannot be decoded, Damaged, LogUnavailable."""
        for number in self.numbers:
            self.now.still()
            data = stored_frame(self.now.opener, self.place, self.table, number)
            if decoded and self.table.encapsulated:
                data = render.decoded(for_decoding(self.now.opener, self.place, self.table, number, data))
            yield Frame(number, len(data), self.now.guarded([data], self.place, self.use, (number,)))


def frames(
    actor: Actor,
    study_uid: str,
    series_uid: str,
    sop_uid: str,
    numbers: Sequence[int] = (),
    use: Use = Use.DISPLAYED,
) -> Frames:
    """Frames of one instance, the first being 1 (none named: all of them); on record before this returns.

    Raises NotVisible, Forbidden, LogUnavailable, and Unsuitable where there is no such frame.
    """
    now, found = reading.begin(actor, study_uid, series_uid, sop_uid)
    table = places.frame_table(now.opener, found[0])
    if not table.count:
        raise Unsuitable("This object is not an image.")
    if any(not 1 <= number <= table.count for number in numbers):
        raise Unsuitable(f"There is no such frame; this object has {table.count}.")
    return Frames(now, found[0], table, tuple(numbers) or tuple(range(1, table.count + 1)), use)


def stored_frame(opener: Opener, place: Place, table: FrameTable, number: int) -> bytes:
    """The bytes of one frame: a codestream as stored, or native pixels in little endian."""
    if number > len(table.spans) and not table.encapsulated:
        (only,) = render.extracted(places.inflated(opener, place), [number - 1])
        return only
    spans = table.frame(number)
    if table.deflated:
        plain = places.inflated(opener, place)
        return b"".join(plain[offset : offset + length] for offset, length in spans)
    with places.ranges(opener, place) as read:
        if not table.encapsulated and place.encoding.big:
            return _little(read, place, table, *spans[0])
        return b"".join([read(offset, length) for offset, length in spans])


def to_be_decoded(opener: Opener, place: Place, table: FrameTable, number: int) -> render.Pixels:
    """A frame and what decoding needs to know, read at once where it comes first, behind a header of usual length."""
    begin = place.dataset_offset
    if table.deflated or not table.spans or number != 1 or (place.encoding.big and not table.encapsulated):
        return for_decoding(opener, place, table, number, stored_frame(opener, place, table, number))
    spans = table.frame(1)
    first, length = spans[0]
    if len(spans) > 1 or first - begin > USUAL:
        return for_decoding(opener, place, table, number, stored_frame(opener, place, table, number))
    _require_decodable(place)
    with places.ranges(opener, place) as read:
        data = memoryview(read(begin, first + length - begin))
    header = bytes(data[: first - begin])
    return render.Pixels(data[first - begin :], header, place.encoding, place.transfer_syntax, 0, _floating(header))


def _little(read: places.Read, place: Place, table: FrameTable, offset: int, length: int) -> bytes:
    """A native big endian frame with its bytes in little endian order (PS3.5 §A.3 has pixels of OW in words)."""
    first = table.spans[0][0][0]
    vr = read(first - _TAG_VR_LENGTH, _TAG_VR_LENGTH)[4:6]
    width = 1 if vr == b"OB" else max(2, (place.bits_allocated or 16) // 8)
    begin = (offset - first) // width * width
    end = -(-(offset - first + length) // width) * width
    data = read(first + begin, end - begin)
    swapped = bytearray(len(data) - len(data) % width)
    for at in range(width):
        swapped[at::width] = data[width - 1 - at : len(swapped) : width]
    skip = offset - first - begin
    return bytes(swapped[skip : skip + length])


def for_decoding(opener: Opener, place: Place, table: FrameTable, number: int, frame: bytes) -> render.Pixels:
    """A frame with what decoding it needs to know."""
    _require_decodable(place)
    if table.deflated or not table.spans:
        plain = places.inflated(opener, place)
        end = table.spans[0][0][0] if table.spans else len(plain)
        header = plain[place.dataset_offset : end]
    else:
        with places.ranges(opener, place) as read:
            header = read(place.dataset_offset, table.spans[0][0][0] - place.dataset_offset)
    return render.Pixels(frame, header, place.encoding, place.transfer_syntax, number - 1, _floating(header))


def _require_decodable(place: Place) -> None:
    if place.transfer_syntax not in render.DECODABLE:
        raise Undecodable("This kind of compression cannot be decoded here.")


def _floating(header: bytes) -> bool:
    """Whether the pixels that follow are floating point (7FE0,0008 or 7FE0,0009)."""
    return any(tag in header[-16:] for tag in (b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00"))
