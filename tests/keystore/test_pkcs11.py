"""A root key in a real token: it never leaves it, nothing else passes for it, and without it nothing opens."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from keystore import roots
from keystore.errors import RootKeyError
from keystore.roots.pkcs11 import HEADER_SIZE, WRAPPED_SIZE
from tests.keystore import softhsm
from tests.keystore.softhsm import Hsm
from vault.random import new_secret

pytestmark = pytest.mark.softhsm


@pytest.fixture
def hsm(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hsm]:
    """A token without a key, and a data directory beside it."""
    settings.PACS_DATA_DIR = tmp_path / "data"
    settings.PACS_DATA_DIR.mkdir()
    roots.forget()
    yield softhsm.make(tmp_path / "hsm", monkeypatch)
    roots.forget()


@pytest.fixture
def root(hsm: Hsm) -> roots.Root:
    roots.create(hsm.url())
    return roots.from_url(hsm.url())


def again(hsm: Hsm, **more: str) -> roots.Root:
    roots.forget()
    return roots.from_url(hsm.url(**more))


def test_a_new_key_cannot_be_read_out_of_the_token(hsm: Hsm, root: roots.Root) -> None:
    listed = hsm.tool("--list-objects", "--type", "secrkey")
    assert "AES length 32" in listed
    assert "sensitive" in listed
    assert "never extractable" in listed
    assert "label:      root" in listed
    with pytest.raises(AssertionError, match="CKR_ATTRIBUTE_SENSITIVE"):
        hsm.tool("--read-object", "--type", "secrkey", "--label", "root")


def test_a_key_is_never_made_over_another(hsm: Hsm, root: roots.Root) -> None:
    with pytest.raises(RootKeyError, match="never overwritten"):
        roots.create(hsm.url())
    assert again(hsm).id == root.id


def test_it_opens_what_it_wrapped(hsm: Hsm, root: roots.Root) -> None:
    secret, key_id = new_secret(), uuid4()
    wrapped = root.wrap(key_id, secret)
    assert len(wrapped) == WRAPPED_SIZE == 100
    assert secret not in wrapped
    assert root.wrap(key_id, secret)[HEADER_SIZE:] != wrapped[HEADER_SIZE:]
    assert again(hsm).unwrap(key_id, wrapped) == secret


def test_no_byte_of_a_wrapped_key_can_be_changed_cut_or_added(root: roots.Root) -> None:
    key_id = uuid4()
    wrapped = root.wrap(key_id, new_secret())
    for place in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[place] ^= 0x80
        with pytest.raises(RootKeyError, match="does not open a key"):
            root.unwrap(key_id, bytes(changed))
    for cut in (b"", wrapped[:-1], wrapped + b"\0", wrapped[1:], wrapped[:HEADER_SIZE]):
        with pytest.raises(RootKeyError, match="does not open a key"):
            root.unwrap(key_id, cut)
    assert root.unwrap(key_id, wrapped)


def test_wrapped_keys_of_two_rows_cannot_change_places(root: roots.Root) -> None:
    one, two = uuid4(), uuid4()
    wrapped, other = root.wrap(one, new_secret()), root.wrap(two, new_secret())
    forged = wrapped[:HEADER_SIZE] + other[HEADER_SIZE:]
    for stored in (other, forged):
        with pytest.raises(RootKeyError, match="does not open a key"):
            root.unwrap(one, stored)


def test_the_same_token_restored_elsewhere_is_the_same_root(hsm: Hsm, root: roots.Root, tmp_path: Path) -> None:
    secret, key_id = new_secret(), uuid4()
    wrapped = root.wrap(key_id, secret)
    shutil.copytree(hsm.tokens, tmp_path / "backup")
    shutil.rmtree(hsm.tokens)
    shutil.copytree(tmp_path / "backup", hsm.tokens)
    restored = again(hsm)
    assert restored.id == root.id
    assert restored.unwrap(key_id, wrapped) == secret


def test_another_key_under_the_same_label_is_another_root(hsm: Hsm, root: roots.Root) -> None:
    key_id = uuid4()
    wrapped = root.wrap(key_id, new_secret())
    hsm.tool("--delete-object", "--type", "secrkey", "--label", "root")
    hsm.tool("--keygen", "--key-type", "AES:32", "--label", "root", "--sensitive")
    with pytest.raises(RootKeyError, match="Another key than before"):
        root.unwrap(key_id, wrapped)
    with pytest.raises(RootKeyError, match="Another key than before"):
        root.wrap(key_id, new_secret())
    other = again(hsm)
    assert other.id != root.id
    with pytest.raises(RootKeyError, match="does not open a key"):
        other.unwrap(key_id, wrapped)
