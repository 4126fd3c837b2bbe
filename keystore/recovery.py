"""The recovery key: epoch keys sealed to it, and its seed as shares that people keep. Pure functions, no rows.

The recovery key is for the day on which the root key is lost. Its public half seals every epoch key and lies in the
database; its private half is a 32-byte seed that is shared by SLIP-39 among several people and then forgotten.
"""

from collections.abc import Iterable
from uuid import UUID

import shamir_mnemonic as slip39

from keystore.errors import RecoveryError
from vault import recipients
from vault.errors import Tampered
from vault.wrap import SECRET_SIZE

PUBLIC_SIZE = recipients.PUBLIC_SIZE
SEALED_SIZE = SECRET_SIZE + recipients.OVERHEAD
MOST_SHARES = 16

_LABEL = b"custos/recovery/v1"


def public_of(seed: bytes) -> bytes:
    """The public half (1216 bytes) of the recovery key whose seed (32 bytes) this is."""
    return recipients.public_of(seed)


def seal(public: bytes, key_id: UUID, secret: bytes) -> bytes:
    """Seal the 32-byte epoch key ``key_id`` to the recovery key: 1168 bytes, bound to that id."""
    if len(secret) != SECRET_SIZE:
        raise ValueError("a key has 32 bytes")
    return recipients.seal_to(public, _info(key_id), secret)


def open_(seed: bytes, key_id: UUID, sealed: bytes) -> bytes:
    """The 32-byte key inside; ``RecoveryError`` unless it is that key, sealed to the recovery key of this seed."""
    try:
        secret = recipients.open_sealed(seed, _info(key_id), sealed)
    except Tampered:
        raise RecoveryError("The recovery key does not open what it should.") from None
    if len(secret) != SECRET_SIZE:
        raise RecoveryError("The recovery key opens something that is no key.")
    return secret


def shares(seed: bytes, threshold: int, count: int) -> list[str]:
    """The seed as ``count`` SLIP-39 shares of 33 words each, ``threshold`` of which give it back.

    ``RecoveryError`` unless 2 <= threshold <= count <= 16.
    """
    if not 2 <= threshold <= count <= MOST_SHARES:
        raise RecoveryError(f"At least two and at most {MOST_SHARES} shares, and no more needed than there are.")
    ((*words,),) = slip39.generate_mnemonics(1, [(threshold, count)], seed)
    return list(words)


def seed_from(shares: Iterable[str]) -> bytes:
    """The seed that enough shares of one set give back, in any order, more than enough allowed.

    ``RecoveryError`` says what is wrong: a misspelt share, shares of different sets, or too few.
    """
    lines = [line for line in (" ".join(share.lower().split()) for share in shares) if line]
    if not lines:
        raise RecoveryError("No share was given.")
    found = {_share(number, line) for number, line in enumerate(lines, start=1)}
    if len({(one.common_parameters(), one.group_parameters()) for one in found}) > 1:
        raise RecoveryError("These shares do not belong together: some are of another recovery key.")
    needed = next(iter(found)).member_threshold
    if len({one.index for one in found}) < needed:
        raise RecoveryError(f"{needed} different shares are needed; there are {len(found)}.")
    try:
        (group,) = slip39.decode_mnemonics(lines).values()
        seed = bytes(slip39.combine_mnemonics(share.mnemonic() for share in group.get_minimal_group()))
    except slip39.MnemonicError:
        raise RecoveryError("These shares do not give a recovery key.") from None
    if len(seed) != recipients.SEED_SIZE:
        raise RecoveryError("These shares belong to something else than a recovery key of this program.")
    return seed


def _share(number: int, line: str) -> slip39.Share:
    try:
        return slip39.Share.from_mnemonic(line)
    except slip39.MnemonicError:
        raise RecoveryError(f"Share {number} is misspelt or incomplete.") from None


def _info(key_id: UUID) -> bytes:
    return _LABEL + key_id.bytes
