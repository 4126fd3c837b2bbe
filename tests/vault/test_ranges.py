"""Byte ranges equal the library's whole, read no more than they must, and are as hard to fool."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.opening import KEY, OBJECT, SECRET
from vault.errors import Tampered
from vault.objects import CHUNK, Header, Kind, instance_slots, seal, unseal, unseal_range

HEADER = Header(Kind.INSTANCE, KEY, OBJECT)
SLOTS = instance_slots("1.2.3", "1.2.3.4", "1.2.3.4.5")
SEALED_CHUNK = CHUNK + 16
PLAIN = bytes((at * 11 + at // 251) % 256 for at in range(3 * CHUNK + 100))
SEALED = seal(SECRET, HEADER, SLOTS, PLAIN)
WHOLE = seal(SECRET, HEADER, SLOTS, PLAIN[: 2 * CHUNK])

near_edges = st.one_of(
    st.integers(0, len(PLAIN)),
    st.builds(lambda chunk, off: max(0, chunk * CHUNK + off), st.integers(0, 3), st.integers(-2, 2)),
)


def opened(sealed: bytes, start: int, length: int, *, check_end: bool = False) -> tuple[bytes, list[tuple[int, int]]]:
    """A range of ``sealed``, and every read it took."""
    reads: list[tuple[int, int]] = []

    def read(offset: int, size: int) -> bytes:
        reads.append((offset, size))
        return sealed[offset : offset + size]

    plain = unseal_range(SECRET, HEADER, SLOTS, read, len(sealed), start, length, check_end=check_end)
    return plain, reads


@settings(max_examples=400, deadline=None)
@given(near_edges, near_edges, st.booleans(), st.integers(0, len(PLAIN)))
def test_a_range_equals_the_same_part_of_the_whole(one: int, two: int, check_end: bool, size: int) -> None:
    sealed = seal(SECRET, HEADER, SLOTS, PLAIN[:size])
    start, end = sorted((min(one, size), min(two, size)))
    assert (
        opened(sealed, start, end - start, check_end=check_end)[0] == unseal(SECRET, HEADER, SLOTS, sealed)[start:end]
    )


def test_a_range_reads_only_the_chunks_it_touches() -> None:
    _, reads = opened(SEALED, CHUNK + 5, 10)
    assert reads == [(0, 104), (104 + SEALED_CHUNK, SEALED_CHUNK)]
    _, reads = opened(SEALED, CHUNK - 1, 2)
    assert reads == [(0, 104), (104, 2 * SEALED_CHUNK)]


def test_the_last_chunk_is_authenticated_where_the_length_is_relied_on() -> None:
    changed = bytearray(SEALED)
    changed[-1] ^= 1
    assert opened(bytes(changed), 0, CHUNK)[0] == PLAIN[:CHUNK]
    with pytest.raises(Tampered):
        opened(bytes(changed), 0, CHUNK, check_end=True)
    with pytest.raises(Tampered):
        opened(bytes(changed), len(PLAIN) - 1, 1)
    with pytest.raises(Tampered):
        opened(bytes(changed), len(PLAIN), 0)


def test_the_empty_last_chunk_of_whole_chunks_is_authenticated_too() -> None:
    changed = bytearray(WHOLE)
    changed[-1] ^= 1
    with pytest.raises(Tampered):
        opened(bytes(changed), CHUNK, CHUNK)
    assert opened(bytes(changed), CHUNK, CHUNK - 1)[0] == PLAIN[CHUNK : 2 * CHUNK - 1]


def test_an_object_cut_at_a_chunk_edge_is_found_when_its_end_is_read() -> None:
    cut = SEALED[: 104 + 2 * SEALED_CHUNK + 16]
    assert opened(cut, 0, CHUNK)[0] == PLAIN[:CHUNK]
    with pytest.raises(Tampered):
        opened(cut, CHUNK, CHUNK)
    with pytest.raises(Tampered):
        opened(cut, 0, CHUNK, check_end=True)


@pytest.mark.parametrize(("start", "length"), [(0, len(PLAIN) + 1), (len(PLAIN), 1), (len(PLAIN) + 1, 0)])
def test_a_range_beyond_the_end_is_refused(start: int, length: int) -> None:
    with pytest.raises(Tampered):
        opened(SEALED, start, length)


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_a_range_that_is_none_is_refused(start: int, length: int) -> None:
    with pytest.raises(ValueError, match="range"):
        opened(SEALED, start, length)


def test_a_store_that_gives_fewer_bytes_is_found() -> None:
    for answer in (b"", SEALED[:103], SEALED[:50]):
        with pytest.raises(Tampered):
            unseal_range(SECRET, HEADER, SLOTS, lambda offset, size, got=answer: got, len(SEALED), 0, 1)  # type: ignore[misc]
    with pytest.raises(Tampered):
        unseal_range(
            SECRET, HEADER, SLOTS, lambda offset, size: SEALED[offset:][: size - (offset > 0)], len(SEALED), 0, 1
        )


def test_a_chunk_served_from_another_place_is_found() -> None:
    def read(offset: int, size: int) -> bytes:
        at = offset if offset == 0 else 104
        return SEALED[at : at + size]

    assert unseal_range(SECRET, HEADER, SLOTS, read, len(SEALED), 0, 5) == PLAIN[:5]
    with pytest.raises(Tampered):
        unseal_range(SECRET, HEADER, SLOTS, read, len(SEALED), CHUNK, 5)
