"""Where each frame of an image lies in its file: spans that one ranged read and one decryption answer.

Offsets count in the plain file; for a deflated transfer syntax, in the file as if its data set were not deflated.
"""

from dataclasses import dataclass
from itertools import pairwise
from struct import Struct

from archive.dataset import Facts, Pixels
from archive.errors import Unsuitable

Span = tuple[int, int]  # offset and length in bytes

_VERSION = 1
_NATIVE, _ENCAPSULATED = 1, 2
_HEAD = Struct(">BBBxI")  # version, form, deflated, number of frames
_RUN = Struct(">QQ")
_MOST_FRAMES = 1 << 20
# PS3.5 Annex A: streams over all frames (MPEG-2, MPEG-4, HEVC), which no fragment boundary divides.
_VIDEO = frozenset(
    f"1.2.840.10008.1.2.4.{number}"
    for number in (
        "100",
        "100.1",
        "101",
        "101.1",
        "102",
        "102.1",
        "103",
        "103.1",
        "104",
        "104.1",
        "105",
        "105.1",
        "106",
        "106.1",
        "107",
        "108",
    )
)
# Start of image in JPEG and JPEG-LS (FFD8), start of codestream in JPEG 2000 (FF4F) and JPEG XL (FF0A), its box forms.
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xff\x0a", b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL ")


@dataclass(frozen=True, slots=True)
class FrameTable:
    """`spans[i]` are the pieces of frame i + 1, in order. Fewer spans than `count`: the rest cannot be told apart."""

    count: int
    spans: tuple[tuple[Span, ...], ...]
    encapsulated: bool = False
    deflated: bool = False

    def frame(self, number: int) -> tuple[Span, ...]:
        """The pieces of frame `number`, the first being 1. Raises Unsuitable."""
        if not 1 <= number <= self.count:
            raise Unsuitable("There is no such frame.")
        if number > len(self.spans):
            raise Unsuitable("This frame cannot be told apart from the others.")
        return self.spans[number - 1]


NOTHING = FrameTable(0, ())


def build(part10: bytes | bytearray | memoryview, facts: Facts) -> FrameTable:
    """The frame table of one walked object; `NOTHING` when it holds no pixels. Never fails for odd pixel data."""
    if facts.pixels is None:
        return NOTHING
    count = min(max(facts.number("frames") or 1, 1), _MOST_FRAMES)
    if facts.pixels.encapsulated:
        spans = _encapsulated(memoryview(part10), facts, count)
        return FrameTable(1 if facts.transfer_syntax in _VIDEO else count, spans, encapsulated=True)
    length = _native_length(facts)
    if not length:
        # Frames of single bits may begin inside a byte: there are so many, but no span is one of them.
        return FrameTable(count, (), deflated=facts.deflated) if facts.number("rows") else NOTHING
    whole = min(count, facts.pixels.length // length)
    first = facts.pixels.offset
    spans = tuple(((first + number * length, length),) for number in range(whole))
    return FrameTable(count, spans, deflated=facts.deflated)


def _native_length(facts: Facts) -> int:
    """Bytes of one native frame, 0 where frames do not begin at whole bytes (PS3.5 §8.2) or too little is known."""
    rows, columns, bits = (facts.number(name) or 0 for name in ("rows", "columns", "bits_allocated"))
    samples = facts.number("samples") or 1
    if facts.text("photometric") == "YBR_FULL_422":
        samples = 2  # Two chrominance values serve two pixels (PS3.3 §C.7.6.3.1.2).
    total = rows * columns * samples * bits
    if total % 8 and (facts.number("frames") or 1) > 1:
        return 0
    return -(-total // 8)


def _encapsulated(data: memoryview, facts: Facts, count: int) -> tuple[tuple[Span, ...], ...]:
    pixels = facts.pixels
    if pixels is None or len(pixels.fragments) < 2:
        return ()
    table, *fragments = pixels.fragments
    if count == 1 or facts.transfer_syntax in _VIDEO:
        return (tuple(fragments),)
    starts = _extended(pixels, fragments, count) or _basic(data, table, fragments, count)
    if starts is None and len(fragments) == count:
        starts = list(range(count))
    if starts is None:
        starts = _scanned(data, fragments, count)
    if starts is None:
        return ()
    return tuple(tuple(fragments[begin:end]) for begin, end in pairwise([*starts, len(fragments)]))


def _extended(pixels: Pixels, fragments: list[Span], count: int) -> list[int] | None:
    """Each frame's first fragment by the extended offset table, which allows one fragment per frame only."""
    if len(pixels.offsets) != 8 * count or len(fragments) != count:
        return None
    offsets = [int.from_bytes(pixels.offsets[at : at + 8], "little") for at in range(0, 8 * count, 8)]
    return _by_offset(offsets, fragments)


def _basic(data: memoryview, table: Span, fragments: list[Span], count: int) -> list[int] | None:
    """Each frame's first fragment by the basic offset table (PS3.5 §A.4), if it names `count` of them truthfully."""
    offset, length = table
    if length != 4 * count:
        return None
    offsets = [int.from_bytes(data[at : at + 4], "little") for at in range(offset, offset + length, 4)]
    return _by_offset(offsets, fragments)


def _by_offset(offsets: list[int], fragments: list[Span]) -> list[int] | None:
    """Offsets count from the first item tag after the table; each must be that of a fragment, in rising order."""
    first = fragments[0][0]
    index = {offset - first: number for number, (offset, _) in enumerate(fragments)}
    starts = [index.get(offset, -1) for offset in offsets]
    risen = all(before < after for before, after in pairwise(starts))
    return starts if starts[0] == 0 and risen else None


def _scanned(data: memoryview, fragments: list[Span], count: int) -> list[int] | None:
    """Each frame's first fragment by the codec's own start marker, if exactly `count` fragments begin with one."""
    starts = [
        number for number, (offset, _) in enumerate(fragments) if bytes(data[offset : offset + 8]).startswith(_STARTS)
    ]
    return starts if len(starts) == count and starts[0] == 0 else None


def encode(table: FrameTable) -> bytes:
    """The table as compact bytes for its sealed cell."""
    form = _ENCAPSULATED if table.encapsulated else _NATIVE
    head = _HEAD.pack(_VERSION, form, table.deflated, table.count)
    if not table.encapsulated:
        return head + b"".join(_RUN.pack(*table.spans[0][0]) for _ in table.spans[:1]) + _number(len(table.spans))
    pieces, position = [head], 0
    for spans in table.spans:
        pieces.append(_number(len(spans)))
        for offset, length in spans:
            pieces += (_number(offset - position), _number(length))
            position = offset + length
    return b"".join(pieces)


def decode(data: bytes) -> FrameTable:
    """The table from its cell's bytes. Raises ValueError for a version that this program does not know."""
    version, form, deflated, count = _HEAD.unpack_from(data)
    if version != _VERSION or form not in (_NATIVE, _ENCAPSULATED):
        raise ValueError("this frame table is of an unknown version")
    if form == _NATIVE:
        return FrameTable(count, _native_spans(data), deflated=bool(deflated))
    spans, at, position = [], _HEAD.size, 0
    while at < len(data):
        pieces, at = _read(data, at)
        frame = []
        for _ in range(pieces):
            gap, at = _read(data, at)
            length, at = _read(data, at)
            frame.append((position + gap, length))
            position += gap + length
        spans.append(tuple(frame))
    return FrameTable(count, tuple(spans), encapsulated=True)


def _native_spans(data: bytes) -> tuple[tuple[Span, ...], ...]:
    if len(data) <= _HEAD.size + 1:
        return ()
    first, length = _RUN.unpack_from(data, _HEAD.size)
    whole, _ = _read(data, _HEAD.size + _RUN.size)
    return tuple(((first + number * length, length),) for number in range(whole))


def _number(value: int) -> bytes:
    """Seven bits a byte, the low ones first; all but the last byte have their high bit set."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
