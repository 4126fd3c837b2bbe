"""A root key that never leaves its token: AES-256, wrapping by AES-GCM, named by AES-CMAC (PKCS#11).

The bytes are in ``docs/FORMAT.md``, section 3. A key that could be read out of the token is refused.
"""

import os
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast
from uuid import UUID

from pkcs11 import (
    Attribute,
    GCMParams,
    KeyType,
    Mechanism,
    MechanismFlag,
    ObjectClass,
    PKCS11Error,
    Session,
)

from keystore.errors import RootKeyError
from keystore.roots.address import Address
from keystore.roots.modules import use
from vault.wrap import SECRET_SIZE

MAGIC: Final = b"CUSTOSK1"
NONCE_SIZE: Final = 12
TAG_SIZE: Final = 16
HEADER_SIZE: Final = len(MAGIC) + 16 + 16
WRAPPED_SIZE: Final = HEADER_SIZE + NONCE_SIZE + SECRET_SIZE + TAG_SIZE
NAME: Final = b"custos/root-id/v1"

_TEMPLATE: Final = {
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
_USES: Final = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT | MechanismFlag.SIGN | MechanismFlag.VERIFY


class AesKey(Protocol):
    """What the library gives for a secret key that may encrypt, decrypt and sign."""

    def __getitem__(self, attribute: Attribute) -> Any: ...

    def encrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams) -> bytes: ...

    def decrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams) -> bytes: ...

    def sign(self, data: bytes, *, mechanism: Mechanism) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Pkcs11Root:
    """A root key in a token; whatever is done with it is done there."""

    address: Address
    id: UUID

    def wrap(self, key_id: UUID, secret: bytes) -> bytes:
        """Wrap the 32-byte key ``key_id``; ``RootKeyError`` while the token does not serve."""
        if len(secret) != SECRET_SIZE:
            raise ValueError("a key has 32 bytes")
        header = _header(self.id, key_id)

        def act(session: Session) -> bytes:
            nonce = os.urandom(NONCE_SIZE)
            sealed = self._key(session).encrypt(
                secret, mechanism=Mechanism.AES_GCM, mechanism_param=_parameters(nonce, header)
            )
            return nonce + sealed

        wrapped = header + use(self.address, act)
        if len(wrapped) != WRAPPED_SIZE:
            raise RootKeyError(f"The token {self.address.token!r} does not do AES-GCM as it should.")
        return wrapped

    def unwrap(self, key_id: UUID, wrapped: bytes) -> bytes:
        """The 32-byte key inside; ``RootKeyError`` when this root did not wrap it, or the token does not serve."""
        header, nonce = wrapped[:HEADER_SIZE], wrapped[HEADER_SIZE : HEADER_SIZE + NONCE_SIZE]
        refused = RootKeyError(f"The root key ({self.describe()}) does not open a key of this installation.")
        if len(wrapped) != WRAPPED_SIZE or header != _header(self.id, key_id):
            raise refused

        def act(session: Session) -> bytes | None:
            key = self._key(session)
            try:
                return key.decrypt(
                    wrapped[HEADER_SIZE + NONCE_SIZE :],
                    mechanism=Mechanism.AES_GCM,
                    mechanism_param=_parameters(nonce, header),
                )
            except PKCS11Error:
                # Tokens give many names to bytes that do not authenticate. One that still computes is well.
                _identity(key)
                return None

        secret = use(self.address, act)
        if secret is None or len(secret) != SECRET_SIZE:
            raise refused
        return secret

    def describe(self) -> str:
        """Where the root is."""
        return self.address.describe()

    def _key(self, session: Session) -> AesKey:
        key = _only(session, self.address)
        if _identity(key) != self.id:
            raise RootKeyError(f"Another key than before stands as {self.address.describe()}.")
        return key


def open_key(address: Address) -> Pkcs11Root:
    """The root key at ``address``; ``RootKeyError`` where token or key are missing, or could be read out."""
    return Pkcs11Root(address, use(address, lambda session: _identity(_only(session, address))))


def there(address: Address) -> bool:
    """Whether the token holds such a key; ``RootKeyError`` when it cannot be asked."""
    return bool(use(address, lambda session: _all(session, address)))


def create_key(address: Address) -> Pkcs11Root:
    """Let the token draw a key that never leaves it; ``RootKeyError`` when there is one of that name already."""

    def act(session: Session) -> None:
        if _all(session, address):
            raise RootKeyError(f"There is already a {address.describe()}; it is never overwritten.")
        session.generate_key(
            KeyType.AES, 256, label=address.label, id=os.urandom(16), store=True, capabilities=_USES, template=_TEMPLATE
        )

    use(address, act, write=True)
    return open_key(address)


def _all(session: Session, address: Address) -> list[AesKey]:
    wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: address.label}
    return [cast(AesKey, key) for key in session.get_objects(wanted)]


def _only(session: Session, address: Address) -> AesKey:
    found = _all(session, address)
    if not found:
        raise RootKeyError(f"There is no {address.describe()}; restore the token, or run `manage.py setup` once.")
    if len(found) > 1:
        raise RootKeyError(f"There is more than one {address.describe()}; the label must be of one key alone.")
    (key,) = found
    if key[Attribute.KEY_TYPE] != KeyType.AES or key[Attribute.VALUE_LEN] != SECRET_SIZE:
        raise RootKeyError(f"The {address.describe()} is no AES key of 256 bits.")
    if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
        raise RootKeyError(f"The {address.describe()} can be read out of it; the root key must be one that cannot.")
    return key


def _identity(key: AesKey) -> UUID:
    return UUID(bytes=bytes(key.sign(NAME, mechanism=Mechanism.AES_CMAC)))


def _header(root_id: UUID, key_id: UUID) -> bytes:
    return MAGIC + root_id.bytes + key_id.bytes


def _parameters(nonce: bytes, header: bytes) -> GCMParams:
    return GCMParams(nonce, header, TAG_SIZE * 8)
