"""Keys wrapped under keys: a wrapped key is a sealed object of kind 6 whose plaintext is the 32-byte key."""

from uuid import UUID

from vault.errors import Tampered
from vault.objects import EMPTY_SLOTS, Header, Kind, Slots, seal, unseal

SECRET_SIZE = 32


def wrap(
    secret: bytes,
    wrapping_id: UUID,
    key_id: UUID,
    wrapped_secret: bytes,
    *,
    slots: Slots = EMPTY_SLOTS,
    generation: int = 0,
) -> bytes:
    """Seal ``wrapped_secret`` (32 bytes, the key ``key_id``) under ``secret`` (the key ``wrapping_id``)."""
    if len(wrapped_secret) != SECRET_SIZE:
        raise ValueError("a key has 32 bytes")
    return seal(secret, Header(Kind.KEY, wrapping_id, key_id, generation), slots, wrapped_secret)


def unwrap(
    secret: bytes, wrapping_id: UUID, key_id: UUID, wrapped: bytes, *, slots: Slots = EMPTY_SLOTS, generation: int = 0
) -> bytes:
    """The 32-byte key inside ``wrapped``; raises ``Tampered`` unless it is that key under that wrapping key."""
    opened = unseal(secret, Header(Kind.KEY, wrapping_id, key_id, generation), slots, wrapped)
    if len(opened) != SECRET_SIZE:
        raise Tampered("a wrapped key has another length than a key")
    return opened
