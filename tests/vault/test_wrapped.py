"""Keys under keys, cells in their places, pseudonyms and derived keys."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.opening import KEY, OBJECT, SECRET
from vault.cells import key_of, seal_cell, unseal_cell
from vault.errors import Tampered
from vault.objects import EMPTY_SLOTS, Header, Kind, cell_slots, seal, unseal
from vault.random import new_secret, pseudonym, subkey
from vault.wrap import unwrap, wrap

COLUMN = "patient.name_cell"


def test_a_wrapped_key_opens_only_as_that_key_under_that_key() -> None:
    inner = new_secret()
    wrapped = wrap(SECRET, KEY, OBJECT, inner)
    assert unwrap(SECRET, KEY, OBJECT, wrapped) == inner
    assert inner not in wrapped
    attempts: tuple[Callable[[], bytes], ...] = (
        lambda: unwrap(bytes(32), KEY, OBJECT, wrapped),
        lambda: unwrap(SECRET, uuid4(), OBJECT, wrapped),
        lambda: unwrap(SECRET, KEY, uuid4(), wrapped),
        lambda: unwrap(SECRET, KEY, OBJECT, wrapped, generation=1),
        lambda: unwrap(SECRET, KEY, OBJECT, wrapped, slots=(b"token", b"", b"")),
        lambda: unwrap(SECRET, KEY, OBJECT, wrapped[:-1]),
    )
    for wrong in attempts:
        with pytest.raises(Tampered):
            wrong()


@pytest.mark.parametrize("length", [0, 31, 33])
def test_only_keys_are_wrapped_and_unwrapped(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        wrap(SECRET, KEY, OBJECT, bytes(length))
    sealed = seal(SECRET, Header(Kind.KEY, KEY, OBJECT), EMPTY_SLOTS, bytes(length))
    with pytest.raises(Tampered):
        unwrap(SECRET, KEY, OBJECT, sealed)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(), st.binary()))
def test_a_cell_gives_back_its_value(value: str | bytes) -> None:
    sealed = seal_cell(SECRET, KEY, COLUMN, OBJECT, value)
    assert unseal_cell(SECRET, KEY, COLUMN, OBJECT, sealed) == (value.encode() if isinstance(value, str) else value)


def test_a_cell_moved_to_another_row_column_key_or_time_does_not_open() -> None:
    sealed = seal_cell(SECRET, KEY, COLUMN, OBJECT, "Doe^Jane", generation=1)
    other = UUID(int=7)
    for secret, key, column, row, generation in (
        (bytes(32), KEY, COLUMN, OBJECT, 1),
        (SECRET, other, COLUMN, OBJECT, 1),
        (SECRET, KEY, "patient.patient_id_cell", OBJECT, 1),
        (SECRET, KEY, COLUMN, other, 1),
        (SECRET, KEY, COLUMN, OBJECT, 2),
    ):
        with pytest.raises(Tampered):
            unseal_cell(secret, key, column, row, sealed, generation=generation)


def test_a_cell_is_no_object_of_another_kind() -> None:
    sealed = seal_cell(SECRET, KEY, COLUMN, OBJECT, bytes(32))
    with pytest.raises(Tampered):
        unwrap(SECRET, KEY, OBJECT, sealed)
    with pytest.raises(Tampered):
        unseal(SECRET, Header(Kind.CELL, KEY, OBJECT), EMPTY_SLOTS, sealed)


def test_secrets_are_32_bytes_and_never_the_same() -> None:
    drawn = {new_secret() for _ in range(100)}
    assert len(drawn) == 100
    assert {len(secret) for secret in drawn} == {32}


def test_subkeys_differ_by_purpose_and_by_key() -> None:
    assert subkey(SECRET, "a") == subkey(SECRET, "a")
    assert len({subkey(SECRET, "a"), subkey(SECRET, "b"), subkey(bytes(32), "a"), SECRET}) == 4


def test_a_pseudonym_tells_patients_apart_and_needs_its_key() -> None:
    names = [("A", "1", ""), ("B", "1", ""), ("A", "2", ""), ("", "A1", ""), ("A1", "", "1.2"), ("", "", "1.3")]
    assert len({pseudonym(SECRET, *name) for name in names}) == len(names)
    assert pseudonym(SECRET, "A", "1") == pseudonym(SECRET, "A", "1", "1.2.3")
    assert pseudonym(SECRET, "A", "1") != pseudonym(bytes(32), "A", "1")
    assert pseudonym(SECRET, "A", "", "1.2") == pseudonym(SECRET, "B", "", "1.2")
    assert len(pseudonym(SECRET, "A", "1")) == 16


def test_a_patient_without_id_and_study_has_no_pseudonym() -> None:
    with pytest.raises(ValueError, match="study"):
        pseudonym(SECRET, "A", "")


def test_a_cell_is_the_object_that_its_header_and_slots_say() -> None:
    secret, key_id, row = bytes(range(32)), uuid4(), uuid4()
    sealed = seal_cell(secret, key_id, "patient.name_cell", row, "DOE^JANE", generation=7)
    header = Header(Kind.CELL, key_id, row, 7)
    assert unseal(secret, header, cell_slots("patient.name_cell", row), sealed) == b"DOE^JANE"
    assert unseal_cell(secret, key_id, "patient.name_cell", row, sealed, generation=7) == b"DOE^JANE"
    assert key_of(sealed) == key_id.bytes


@pytest.mark.parametrize("length", [0, 12, 28, 47])
def test_what_is_shorter_than_a_header_names_no_key(length: int) -> None:
    with pytest.raises(Tampered):
        key_of(seal_cell(bytes(32), uuid4(), "patient.name_cell", uuid4(), "DOE")[:length])


@pytest.mark.parametrize("at", range(48))
def test_a_cell_with_another_byte_in_its_header_does_not_open(at: int) -> None:
    key_id, row = uuid4(), uuid4()
    sealed = bytearray(seal_cell(bytes(32), key_id, "patient.name_cell", row, "DOE"))
    sealed[at] ^= 1
    with pytest.raises(Tampered):
        unseal_cell(bytes(32), key_id, "patient.name_cell", row, bytes(sealed))
