"""Headers, slots and lengths: one spelling for each place, and nothing else is read."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.opening import KEY, OBJECT, SECRET
from vault.errors import Tampered
from vault.objects import (
    HEADER_SIZE,
    Header,
    Kind,
    Slots,
    cell_slots,
    context,
    instance_slots,
    plain_length,
    seal,
    sealed_length,
)

HEADER = Header(Kind.INSTANCE, KEY, OBJECT, 3)
SLOTS = instance_slots("1.2.3", "1.2.3.4", "1.2.3.4.5")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(Kind), st.uuids(), st.uuids(), st.integers(0, 2**32 - 1))
def test_a_header_reads_back_as_written(kind: Kind, key_id: UUID, object_id: UUID, generation: int) -> None:
    header = Header(kind, key_id, object_id, generation)
    assert len(header.encode()) == HEADER_SIZE
    assert Header.decode(header.encode()) == header


@pytest.mark.parametrize("offset", [0, 7, 8, 9, 10, 11])
def test_a_header_of_another_format_is_not_read(offset: int) -> None:
    changed = bytearray(HEADER.encode())
    changed[offset] ^= 0x80
    with pytest.raises(Tampered):
        Header.decode(changed)


@pytest.mark.parametrize("length", [0, 47, 49])
def test_a_header_of_another_length_is_not_read(length: int) -> None:
    with pytest.raises(Tampered):
        Header.decode(bytes(length))


@pytest.mark.parametrize("generation", [-1, 2**32])
def test_a_generation_that_does_not_fit_is_refused(generation: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        seal(SECRET, Header(Kind.INSTANCE, KEY, OBJECT, generation), SLOTS, b"")


@settings(max_examples=300, deadline=None)
@given(st.tuples(st.binary(), st.binary(), st.binary()), st.tuples(st.binary(), st.binary(), st.binary()))
def test_two_places_never_share_a_context(one: Slots, two: Slots) -> None:
    assert (context(HEADER, one) == context(HEADER, two)) == (one == two)


def test_a_slot_that_does_not_fit_is_refused() -> None:
    assert context(HEADER, (bytes(65535), b"", b""))
    with pytest.raises(ValueError, match="65535"):
        context(HEADER, (bytes(65536), b"", b""))


def test_uids_lose_their_padding_and_must_be_ascii() -> None:
    assert instance_slots("1.2\0", "1.3 ", "") == (b"1.2", b"1.3", b"")
    assert cell_slots("study.description_cell", OBJECT)[1] == OBJECT.bytes
    with pytest.raises(ValueError, match="ascii"):
        instance_slots("1.２")


@pytest.mark.parametrize("length", [0, 103, 104, 119, 104 + 16400, 104 + 16400 + 15])
def test_a_length_that_no_object_has_is_refused(length: int) -> None:
    with pytest.raises(Tampered):
        plain_length(length)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**45))
def test_lengths_are_each_others_inverse(plain: int) -> None:
    assert plain_length(sealed_length(plain)) == plain


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        sealed_length(-1)
