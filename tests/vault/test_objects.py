"""Sealed objects know their place: whatever is moved, swapped, cut, flipped or replayed does not open, in any way."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.opening import KEY, OBJECT, OPENINGS, SECRET, Opening
from vault.errors import Tampered
from vault.objects import (
    CHUNK,
    EMPTY_SLOTS,
    HEADER_SIZE,
    Header,
    Kind,
    Sealer,
    Slots,
    instance_slots,
    plain_length,
    seal,
    seal_into,
    sealed_length,
    unseal,
    unseal_stream,
)

HEADER = Header(Kind.INSTANCE, KEY, OBJECT, 3)
SLOTS = instance_slots("1.2.3", "1.2.3.4", "1.2.3.4.5")
BODY = HEADER_SIZE + 24 + 32
EDGES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 777)

every_opening = pytest.mark.parametrize("opening", OPENINGS, ids=lambda opening: opening.__name__)


def data(size: int) -> bytes:
    return bytes((at * 7 + at // 256) % 256 for at in range(size))


THREE_CHUNKS = data(2 * CHUNK + 777)


@every_opening
@pytest.mark.parametrize("size", EDGES)
def test_every_way_to_open_gives_back_what_was_sealed(opening: Opening, size: int) -> None:
    sealed = seal(SECRET, HEADER, SLOTS, data(size))
    assert len(sealed) == sealed_length(size)
    assert plain_length(len(sealed)) == size
    assert opening(SECRET, HEADER, SLOTS, sealed) == data(size)


@pytest.mark.parametrize("size", EDGES)
def test_every_way_to_seal_makes_an_object_that_opens(size: int) -> None:
    sealer = Sealer(SECRET, HEADER, SLOTS)
    pieces = [sealer.update(data(size)[at : at + 1000]) for at in range(0, size, 1000)]
    assert not pieces or pieces[0].startswith(HEADER.encode())
    assert unseal(SECRET, HEADER, SLOTS, b"".join(pieces) + sealer.finish()) == data(size)
    buffer = bytearray(b"\xff" * (sealed_length(size) + 9))
    written = seal_into(SECRET, HEADER, SLOTS, data(size), buffer)
    assert written == sealed_length(size)
    assert bytes(buffer[written:]) == b"\xff" * 9
    assert unseal(SECRET, HEADER, SLOTS, memoryview(buffer)[:written]) == data(size)


def test_a_buffer_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        seal_into(SECRET, HEADER, SLOTS, b"abc", bytearray(sealed_length(3) - 1))


def test_the_same_plaintext_never_seals_to_the_same_bytes() -> None:
    first, second = (seal(SECRET, HEADER, SLOTS, THREE_CHUNKS) for _ in range(2))
    assert first[:HEADER_SIZE] == second[:HEADER_SIZE]
    assert first[HEADER_SIZE:BODY] != second[HEADER_SIZE:BODY]
    assert first[BODY : BODY + 64] != second[BODY : BODY + 64]


def _flip(offset: int, bit: int = 0) -> Callable[[bytes], bytes]:
    def flipped(sealed: bytes) -> bytes:
        changed = bytearray(sealed)
        changed[offset] ^= 1 << bit
        return bytes(changed)

    return flipped


def _swap_first_chunks(sealed: bytes) -> bytes:
    one, two = BODY + CHUNK + 16, BODY + 2 * (CHUNK + 16)
    return sealed[:BODY] + sealed[one:two] + sealed[BODY:one] + sealed[two:]


def _drop_middle_chunk(sealed: bytes) -> bytes:
    one, two = BODY + CHUNK + 16, BODY + 2 * (CHUNK + 16)
    return sealed[:one] + sealed[two:]


FLIPS = {
    "magic": 0,
    "suite": 8,
    "kind": 9,
    "flags high": 10,
    "flags low": 11,
    "key id": 12,
    "key id end": 27,
    "object id": 28,
    "object id end": 43,
    "generation": 44,
    "generation end": 47,
    "salt": 48,
    "salt end": 71,
    "commitment": 72,
    "commitment end": 103,
    "first chunk": BODY,
    "first tag": BODY + CHUNK,
    "second chunk": BODY + CHUNK + 16,
    "second tag end": BODY + 2 * (CHUNK + 16) - 1,
    "last chunk": BODY + 2 * (CHUNK + 16),
    "last tag": -16,
    "last byte": -1,
}
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    **{f"{name}, bit {bit}": _flip(offset, bit) for name, offset in FLIPS.items() for bit in (0, 7)},
    "chunks swapped": _swap_first_chunks,
    "chunk dropped": _drop_middle_chunk,
    "byte added": lambda sealed: sealed + b"\0",
    "tag added": lambda sealed: sealed + bytes(16),
    "doubled": lambda sealed: sealed + sealed,
    "empty": lambda _: b"",
}


@every_opening
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_object_does_not_open(opening: Opening, change: Callable[[bytes], bytes]) -> None:
    sealed = change(seal(SECRET, HEADER, SLOTS, THREE_CHUNKS))
    with pytest.raises(Tampered):
        opening(SECRET, HEADER, SLOTS, sealed)


CUTS = sorted(
    {edge + near for edge in (0, 8, HEADER_SIZE, 72, BODY) for near in (-1, 0, 1) if edge + near >= 0}
    | {BODY + number * (CHUNK + 16) + near for number in (1, 2) for near in (-17, -16, -15, -1, 0, 1, 15, 16, 17)}
    | {sealed_length(len(THREE_CHUNKS)) - near for near in (1, 16, 17)}
)


@every_opening
@pytest.mark.parametrize("length", CUTS)
def test_an_object_cut_at_any_edge_does_not_open(opening: Opening, length: int) -> None:
    with pytest.raises(Tampered):
        opening(SECRET, HEADER, SLOTS, seal(SECRET, HEADER, SLOTS, THREE_CHUNKS)[:length])


@every_opening
def test_an_object_of_whole_chunks_does_not_open_without_its_empty_last_chunk(opening: Opening) -> None:
    sealed = seal(SECRET, HEADER, SLOTS, data(2 * CHUNK))
    for length in (len(sealed) - 16, len(sealed) - 16 - CHUNK, len(sealed) - 32 - CHUNK):
        with pytest.raises(Tampered):
            opening(SECRET, HEADER, SLOTS, sealed[:length])


ELSEWHERE: dict[str, tuple[Header, Slots]] = {
    "another key id": (Header(Kind.INSTANCE, uuid4(), OBJECT, 3), SLOTS),
    "another object": (Header(Kind.INSTANCE, KEY, uuid4(), 3), SLOTS),
    "another kind": (Header(Kind.QUARANTINED, KEY, OBJECT, 3), SLOTS),
    "a newer generation expected": (Header(Kind.INSTANCE, KEY, OBJECT, 4), SLOTS),
    "an older generation expected": (Header(Kind.INSTANCE, KEY, OBJECT, 2), SLOTS),
    "another study": (HEADER, instance_slots("1.2.9", "1.2.3.4", "1.2.3.4.5")),
    "another series": (HEADER, instance_slots("1.2.3", "1.2.3.9", "1.2.3.4.5")),
    "another instance": (HEADER, instance_slots("1.2.3", "1.2.3.4", "1.2.3.4.9")),
    "slots one place on": (HEADER, (b"", b"1.2.3", b"1.2.3.4")),
    "slots joined": (HEADER, (b"1.2.31.2.3.4", b"", b"1.2.3.4.5")),
    "no slots": (HEADER, EMPTY_SLOTS),
}


@every_opening
@pytest.mark.parametrize(("header", "slots"), ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("forged", [False, True], ids=["as stored", "with a forged header"])
def test_an_object_moved_elsewhere_does_not_open(opening: Opening, header: Header, slots: Slots, forged: bool) -> None:
    sealed = seal(SECRET, HEADER, SLOTS, THREE_CHUNKS)
    stored = header.encode() + sealed[HEADER_SIZE:] if forged else sealed
    with pytest.raises(Tampered):
        opening(SECRET, header, slots, stored)


@every_opening
def test_another_key_does_not_open_it(opening: Opening) -> None:
    for wrong in (bytes(32), SECRET[::-1]):
        with pytest.raises(Tampered):
            opening(wrong, HEADER, SLOTS, seal(SECRET, HEADER, SLOTS, THREE_CHUNKS))


def test_a_stream_yields_nothing_of_a_chunk_that_was_changed() -> None:
    sealed = bytearray(seal(SECRET, HEADER, SLOTS, THREE_CHUNKS))
    sealed[BODY + CHUNK + 16 + 5] ^= 1
    stream = unseal_stream(SECRET, HEADER, SLOTS, (bytes([byte]) for byte in sealed))
    assert next(stream) == THREE_CHUNKS[:CHUNK]
    with pytest.raises(Tampered):
        next(stream)


def test_a_stream_takes_the_whole_object_in_one_piece() -> None:
    sealed = seal(SECRET, HEADER, SLOTS, THREE_CHUNKS)
    assert b"".join(unseal_stream(SECRET, HEADER, SLOTS, [sealed])) == THREE_CHUNKS


def test_a_stream_holds_back_no_more_than_two_chunks() -> None:
    sealer, count, size = Sealer(SECRET, HEADER, SLOTS), 1000, 1000
    fed = opened = most = 0

    def stored() -> Iterator[bytes]:
        nonlocal fed
        for piece in [*(sealer.update(bytes(size)) for _ in range(count)), sealer.finish()]:
            fed += len(piece)
            yield piece

    for plain in unseal_stream(SECRET, HEADER, SLOTS, stored()):
        opened += len(plain)
        most = max(most, fed - opened)
    assert opened == count * size
    assert most < 2 * CHUNK + count * size // CHUNK * 16


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_open_and_never_crash(stored: bytes) -> None:
    for opening in OPENINGS:
        with pytest.raises(Tampered):
            opening(SECRET, HEADER, SLOTS, stored)
        with pytest.raises(Tampered):
            opening(SECRET, HEADER, SLOTS, HEADER.encode() + stored)


def test_a_secret_of_another_length_is_refused() -> None:
    for opening in OPENINGS[:3]:
        with pytest.raises(ValueError, match="32 bytes"):
            opening(SECRET[:31], HEADER, SLOTS, seal(SECRET, HEADER, SLOTS, b"abc"))
