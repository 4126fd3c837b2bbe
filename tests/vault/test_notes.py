"""Signed notes and checkpoints: nobody but the signer makes one, and no other text passes under a signature."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault.errors import Tampered
from vault.notes import (
    Checkpoint,
    checkpoint_text,
    generate_signer,
    key_id,
    parse_checkpoint,
    public_of,
    sign_note,
    verifier_key,
    verify_note,
)

PRIVATE, PUBLIC = generate_signer()
NAME = "custos/0d9d2ff6"
TEXT = checkpoint_text(NAME, 12, bytes(range(32)))
NOTE = sign_note(NAME, PRIVATE, TEXT)


def test_a_note_that_another_program_signed_verifies() -> None:
    """The example in the documentation of Go's package ``golang.org/x/mod/sumdb/note``."""
    name, number, encoded = ["PeterNeumann", "c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
    public = b64decode(encoded)[1:]
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert verify_note(name, public, f"{text}\n— {name} {signature}\n") == text
    assert key_id(name, public).hex() == number
    assert verifier_key(name, public) == f"{name}+{number}+{encoded}"


def test_a_note_gives_back_its_text() -> None:
    assert verify_note(NAME, PUBLIC, NOTE) == TEXT
    assert public_of(PRIVATE) == PUBLIC


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
def test_a_note_with_any_bit_flipped_is_refused(at: int, bit: int) -> None:
    changed = bytearray(NOTE.encode())
    changed[at] ^= 1 << bit
    with pytest.raises(Tampered):
        verify_note(NAME, PUBLIC, changed.decode("utf-8", "replace"))


def test_signatures_of_others_are_passed_over_but_ours_must_hold() -> None:
    other, other_public = generate_signer()
    foreign = sign_note("witness", other, TEXT).removeprefix(TEXT + "\n")
    assert verify_note(NAME, PUBLIC, NOTE + foreign) == TEXT
    assert verify_note("witness", other_public, NOTE + foreign) == TEXT
    with pytest.raises(Tampered):
        verify_note(NAME, PUBLIC, TEXT + "\n" + foreign)
    forged = b64encode(key_id(NAME, PUBLIC) + bytes(64)).decode()
    with pytest.raises(Tampered):
        verify_note(NAME, PUBLIC, NOTE + f"— {NAME} {forged}\n")


def test_the_same_key_under_another_name_does_not_count() -> None:
    with pytest.raises(Tampered):
        verify_note(NAME + "/2", PUBLIC, NOTE)


def test_a_note_inside_a_note_does_not_pass() -> None:
    outer = sign_note("witness", generate_signer()[0], NOTE)
    with pytest.raises(Tampered):
        verify_note(NAME, PUBLIC, outer)


@pytest.mark.parametrize(
    "note",
    ["", "\n", TEXT, TEXT + "\n", NOTE[:-1], NOTE + "\n", NOTE.replace("—", "-"), NOTE + "— x\n", NOTE + "— x y\n"],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(Tampered):
        verify_note(NAME, PUBLIC, note)


def test_a_flood_of_signatures_is_refused() -> None:
    line = NOTE.removeprefix(TEXT + "\n")
    with pytest.raises(Tampered):
        verify_note(NAME, PUBLIC, NOTE + line * 64)


@pytest.mark.parametrize("text", ["no newline", "tab\there\n", "nul\0\n", "return\r\n"])
def test_only_plain_text_is_signed(text: str) -> None:
    with pytest.raises(ValueError, match="control"):
        sign_note(NAME, PRIVATE, text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b"])
def test_a_signers_name_has_no_spaces_or_plus(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        sign_note(name, PRIVATE, TEXT)


def test_a_checkpoint_reads_back() -> None:
    assert parse_checkpoint(TEXT) == Checkpoint(NAME, 12, bytes(range(32)))
    assert parse_checkpoint(TEXT + "extension\n").size == 12


@pytest.mark.parametrize(
    "text",
    [
        "",
        "custos\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT.replace("\n12\n", "\n012\n"),
        TEXT.replace("\n12\n", "\n-1\n"),
        TEXT.replace("\n12\n", "\n１2\n"),
        TEXT.replace("\n12\n", "\n" + "9" * 20 + "\n"),
        f"{NAME}\n1\n{b64encode(bytes(31)).decode()}\n",
        TEXT.replace("=", ""),
        TEXT.replace("Hh8=", "Hh9="),
    ],
)
def test_a_checkpoint_is_read_strictly(text: str) -> None:
    with pytest.raises(Tampered):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"), [("", 1, bytes(32)), ("a\nb", 1, bytes(32)), ("a", -1, bytes(32)), ("a", 1, b"")]
)
def test_a_checkpoint_that_is_none_is_not_written(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(ValueError, match="checkpoint"):
        checkpoint_text(origin, size, root)
