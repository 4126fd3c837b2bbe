"""The recovery key as pure functions: what it seals opens with enough shares of one set, and in no other way."""

import hashlib
import json
from base64 import b64decode
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import shamir_mnemonic

from keystore import recovery
from keystore.errors import RecoveryError
from vault.random import new_secret

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vault" / "vectors" / "recovery.json").read_text(encoding="utf-8")
)
SEED, KEY = bytes.fromhex(VECTOR["seed"]), UUID(VECTOR["key_id"])


def test_the_key_pair_is_the_one_the_published_vector_of_x_wing_names() -> None:
    # draft-connolly-cfrg-xwing-kem, appendix C, the first vector: seed and the beginning of its public key.
    public = recovery.public_of(bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"))
    assert public.hex().startswith("e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3d")
    assert len(public) == recovery.PUBLIC_SIZE


def test_what_was_sealed_once_opens_for_ever() -> None:
    assert hashlib.sha256(recovery.public_of(SEED)).hexdigest() == VECTOR["public_sha256"]
    sealed = b64decode(VECTOR["sealed"])
    assert len(sealed) == recovery.SEALED_SIZE
    assert recovery.open_(SEED, KEY, sealed) == bytes.fromhex(VECTOR["secret"])


def test_shares_that_were_printed_once_give_the_seed_for_ever() -> None:
    for some in combinations(VECTOR["shares"], VECTOR["threshold"]):
        assert recovery.seed_from(some) == SEED


def test_a_sealed_key_opens_only_as_that_key_with_that_seed_and_whole() -> None:
    seed, key_id, secret = new_secret(), uuid4(), new_secret()
    sealed = recovery.seal(recovery.public_of(seed), key_id, secret)
    assert recovery.open_(seed, key_id, sealed) == secret
    assert secret not in sealed
    for wrong in (
        (new_secret(), key_id, sealed),
        (seed, uuid4(), sealed),
        (seed, key_id, sealed[:-1]),
        (seed, key_id, sealed + b"\0"),
        (seed, key_id, b""),
    ):
        with pytest.raises(RecoveryError):
            recovery.open_(*wrong)


@pytest.mark.parametrize("offset", [0, 1087, 1088, 1119, 1120, 1167])
def test_a_changed_bit_anywhere_does_not_open(offset: int) -> None:
    sealed = bytearray(b64decode(VECTOR["sealed"]))
    sealed[offset] ^= 1
    with pytest.raises(RecoveryError):
        recovery.open_(SEED, KEY, bytes(sealed))


def test_any_three_of_five_shares_give_the_seed_in_any_order_and_spelling() -> None:
    seed = new_secret()
    words = recovery.shares(seed, 3, 5)
    assert len(set(words)) == 5
    for some in combinations(words, 3):
        assert recovery.seed_from(reversed(some)) == seed
    assert recovery.seed_from(words) == seed
    assert recovery.seed_from(["", f"  {words[4].upper()} ", words[0].replace(" ", "\t"), words[2], words[2]]) == seed


def test_two_of_five_shares_give_nothing() -> None:
    words = recovery.shares(new_secret(), 3, 5)
    for some in (*combinations(words, 2), (words[0],), (words[1], words[1], words[1])):
        with pytest.raises(RecoveryError, match="3 different shares are needed"):
            recovery.seed_from(some)
    with pytest.raises(RecoveryError, match="No share"):
        recovery.seed_from(["", "  "])


def test_shares_of_two_sets_do_not_mix_even_when_both_are_of_the_same_seed() -> None:
    seed = new_secret()
    first, second = recovery.shares(seed, 3, 5), recovery.shares(seed, 3, 5)
    with pytest.raises(RecoveryError, match="do not belong together"):
        recovery.seed_from([first[0], first[1], second[2]])
    with pytest.raises(RecoveryError, match="do not belong together"):
        recovery.seed_from([*first, second[0]])


def test_a_misspelt_share_is_named_and_not_shown() -> None:
    words = recovery.shares(new_secret(), 2, 3)
    swapped = words[1].split()
    swapped[10], swapped[11] = swapped[11], swapped[10] + "x"
    for wrong in (" ".join(swapped), words[1].rpartition(" ")[0], "no words of any list at all"):
        with pytest.raises(RecoveryError, match="Share 2 is misspelt") as caught:
            recovery.seed_from([words[0], wrong])
        assert caught.value.__cause__ is None
        assert not set(wrong.split()[3:]) & set(str(caught.value).split())


@pytest.mark.parametrize(("threshold", "count"), [(0, 5), (1, 1), (1, 5), (4, 3), (2, 17)])
def test_a_sharing_that_protects_nothing_or_cannot_be_is_refused(threshold: int, count: int) -> None:
    with pytest.raises(RecoveryError):
        recovery.shares(new_secret(), threshold, count)


def test_shares_of_something_longer_than_a_seed_are_refused() -> None:

    (words,) = shamir_mnemonic.generate_mnemonics(1, [(2, 2)], bytes(16))
    with pytest.raises(RecoveryError, match="something else"):
        recovery.seed_from(words)
