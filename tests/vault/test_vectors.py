"""Known answers: objects sealed once and kept as text. If one of these fails, stored archives no longer open."""

import hashlib
import hmac
import json
from base64 import b64decode
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.vault.opening import OPENINGS, Opening
from vault.errors import Tampered
from vault.notes import key_id, public_of, sign_note, verifier_key, verify_note
from vault.objects import Header, Kind, Slots
from vault.random import pseudonym, subkey
from vault.tokens import Term, name_terms, text_terms, token

FOLDER = Path(__file__).parent / "vectors"


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


OBJECTS = {vector["name"]: vector for vector in load("objects.json")}
HOSTILE = load("hostile.json")
every_opening = pytest.mark.parametrize("opening", OPENINGS, ids=lambda opening: opening.__name__)


def _place(vector: dict[str, Any]) -> tuple[bytes, Header, Slots]:
    header = Header(Kind(vector["kind"]), UUID(vector["key_id"]), UUID(vector["object_id"]), vector["generation"])
    first, second, third = (bytes.fromhex(slot) for slot in vector["slots"])
    return bytes.fromhex(vector["secret"]), header, (first, second, third)


def _plaintext(vector: dict[str, Any]) -> bytes:
    if "plaintext" in vector:
        return bytes.fromhex(vector["plaintext"])
    return bytes((at * 7 + at // 256) % 256 for at in range(vector["pattern_length"]))


def test_there_is_a_vector_of_every_kind() -> None:
    assert {vector["kind"] for vector in OBJECTS.values()} == {int(kind) for kind in Kind}


@every_opening
@pytest.mark.parametrize("vector", OBJECTS.values(), ids=OBJECTS)
def test_every_stored_object_opens(opening: Opening, vector: dict[str, Any]) -> None:
    assert opening(*_place(vector), b64decode(vector["sealed"])) == _plaintext(vector)


@every_opening
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: str(hostile["name"]))
def test_every_hostile_object_fails_as_expected(opening: Opening, hostile: dict[str, Any]) -> None:
    vector = OBJECTS[hostile["of"]] | hostile.get("expect", {})
    sealed = bytearray(b64decode(vector["sealed"]))
    if "flip" in hostile:
        offset, bit = hostile["flip"]
        sealed[offset] ^= 1 << bit
    sealed = sealed[: hostile.get("cut", len(sealed))] + bytes.fromhex(hostile.get("append", ""))
    assert hostile["fails"] == "Tampered"
    with pytest.raises(Tampered):
        opening(*_place(vector), bytes(sealed))


def test_tokens_stay_what_they_are() -> None:
    vectors = load("tokens.json")
    column_key = bytes.fromhex(vectors["column_key"])
    assert subkey(bytes.fromhex(vectors["token_key"]), f"custos/column/v1/{vectors['column']}") == column_key
    for vector in vectors["values"]:
        terms = (name_terms if vector["of"] == "name" else text_terms)(vector["value"], "full")
        assert {(*term, str(token(column_key, term))) for term in terms} == {tuple(term) for term in vector["terms"]}


def test_a_token_is_the_hmac_the_format_describes() -> None:
    digest = hmac.new(bytes(32), b"p\0a\0do", hashlib.sha256).digest()
    assert token(bytes(32), Term("p", "a", "do")) == int.from_bytes(digest[:8], "big", signed=True)


def test_pseudonyms_stay_what_they_are() -> None:
    for vector in load("pseudonyms.json"):
        message = f"{vector['issuer']}\0{vector['patient_id']}" if vector["patient_id"] else vector["study_uid"]
        digest = hmac.new(bytes.fromhex(vector["key"]), message.encode(), hashlib.sha256).hexdigest()
        arguments = (vector["issuer"], vector["patient_id"], vector["study_uid"])
        assert vector["pseudonym"] == digest[:32]
        assert pseudonym(bytes.fromhex(vector["key"]), *arguments).hex() == vector["pseudonym"]


def test_notes_stay_what_they_are() -> None:
    vector = load("notes.json")
    private, public, name = bytes.fromhex(vector["private"]), bytes.fromhex(vector["public"]), vector["name"]
    assert public_of(private) == public
    assert key_id(name, public).hex() == vector["key_id"]
    assert verifier_key(name, public) == vector["verifier_key"]
    assert sign_note(name, private, vector["text"]) == vector["note"]
    assert verify_note(name, public, vector["note"]) == vector["text"]
