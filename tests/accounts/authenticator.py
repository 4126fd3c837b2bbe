"""A security key as software, with every lie that a real one would not tell; written from the standard alone."""

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.accounts.browsing import Browser

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
HOST = "localhost"
ORIGIN = "https://localhost"


def text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def raw(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))


def cbor(value: Any) -> bytes:
    """The part of RFC 8949 that a key needs: whole numbers, bytes, text and maps."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    if value < 256:
        return bytes([major << 5 | 24, value])
    return bytes([major << 5 | 25]) + struct.pack(">H", value)


@dataclass
class Authenticator:
    """One key pair with its count. What it says of itself can be bent by the words given to `make` and `use`."""

    host: str = HOST
    origin: str = ORIGIN
    count: int = 0
    counts: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    owner: bytes = b""

    def make(self, options: dict[str, Any], **bent: Any) -> str:
        """Answer a wish for a new passkey."""
        self.owner = raw(options["user"]["id"])
        data = self._data(PRESENT | VERIFIED | ATTESTED, bent) + self._attested(bent)
        said = self._client("webauthn.create", options, bent)
        attestation = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": text(said), "attestationObject": text(attestation)}, transports=["usb"])

    def use(self, options: dict[str, Any], **bent: Any) -> str:
        """Answer a wish for a proof."""
        data, said = self._data(PRESENT | VERIFIED, bent), self._client("webauthn.get", options, bent)
        signed = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        if bent.get("tampered"):
            signed = signed[:-1] + bytes([signed[-1] ^ 1])
        response = {"clientDataJSON": text(said), "authenticatorData": text(data), "signature": text(signed)}
        return self._answer({**response, "userHandle": text(bent.get("owner", self.owner))})

    def _answer(self, response: dict[str, Any], **more: Any) -> str:
        return json.dumps(
            {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": {**response, **more}}
        )

    def _data(self, flags: int, bent: dict[str, Any]) -> bytes:
        self.count += self.counts
        host = hashlib.sha256(bent.get("host", self.host).encode()).digest()
        return host + struct.pack(">BI", flags & ~bent.get("without", 0), bent.get("count", self.count))

    def _attested(self, bent: dict[str, Any]) -> bytes:
        point = self.key.public_key().public_numbers()
        public = {
            1: 2,
            3: bent.get("algorithm", -7),
            -1: 1,
            -2: point.x.to_bytes(32, "big"),
            -3: point.y.to_bytes(32, "big"),
        }
        return bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor(public)

    def _client(self, kind: str, options: dict[str, Any], bent: dict[str, Any]) -> bytes:
        said = {
            "type": bent.get("kind", kind),
            "challenge": bent.get("challenge", options["challenge"]),
            "origin": bent.get("origin", self.origin),
            "crossOrigin": bent.get("framed", False),
        }
        return json.dumps(said).encode()


class Named(Browser):
    """A browser that reaches the archive by its host name, as passkeys need."""

    def __init__(self) -> None:
        super().__init__()
        self.defaults["HTTP_HOST"] = HOST
        self.defaults["HTTP_REFERER"] = f"{ORIGIN}/"

    def wishes(self, path: str) -> dict[str, Any]:
        answer = self.send(path)
        assert answer.status_code == 200, (path, answer.status_code)
        options: dict[str, Any] = json.loads(answer.content)
        return options

    def make(self, key: Authenticator, path: str = "/me/passkeys/", **bent: Any) -> Any:
        """Make a passkey, on one's own page or at the first sign-in; return the answer."""
        return self.send(path, credential=key.make(self.wishes("/passkeys/offer/"), **bent), name="a key")

    def use(self, key: Authenticator, path: str = "/sign-in/code/", **bent: Any) -> Any:
        """Prove with a passkey, while signing in or for a fresh factor; return the answer."""
        return self.send(path, credential=key.use(self.wishes("/passkeys/ask/"), **bent))
