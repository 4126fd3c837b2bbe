"""Signed notes (C2SP signed-note, Ed25519) and the checkpoint text inside them (C2SP tlog-checkpoint).

A note is text that ends with a newline, an empty line, and one line for each signature. Keys are raw: the private key
is the 32-byte Ed25519 seed, the public key its 32 bytes.
"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.errors import Tampered

_ED25519 = b"\x01"
_MARK = "\N{EM DASH} "
_MOST_SIGNATURES = 64
_NOT_TEXT = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
_SIZE = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: ``origin`` names it, ``size`` counts its leaves, ``root`` is its RFC 6962 tree hash."""

    origin: str
    size: int
    root: bytes


def generate_signer() -> tuple[bytes, bytes]:
    """A new key pair: (private seed, public key), 32 bytes each."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def public_of(private: bytes) -> bytes:
    """The public key that belongs to a private seed."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id(name: str, public: bytes) -> bytes:
    """The 4 bytes by which a signature line names its key; ``ValueError`` for an empty name, spaces or ``+``."""
    if not name or "+" in name or name != "".join(name.split()) or _NOT_TEXT.search(name):
        raise ValueError("a signer's name has letters, and neither spaces nor a plus")
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The public key as text, as other programs that know signed notes take it: ``name+hash+key``."""
    return f"{name}+{key_id(name, public).hex()}+{b64encode(_ED25519 + public).decode()}"


def sign_note(name: str, private: bytes, text: str) -> str:
    """The note of ``text``, which must end with a newline and hold no other control character (``ValueError``)."""
    if not text.endswith("\n") or _NOT_TEXT.search(text):
        raise ValueError("the text of a note ends with a newline and holds no other control character")
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(text.encode())
    blob = key_id(name, public_of(private)) + signature
    return f"{text}\n{_MARK}{name} {b64encode(blob).decode()}\n"


def verify_note(name: str, public: bytes, note: str) -> str:
    """The text of a note this signer signed; signatures of others are passed over, everything else is ``Tampered``."""
    text, gap, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not gap or lines[-1] != "" or not 1 <= len(lines) - 1 <= _MOST_SIGNATURES or _NOT_TEXT.search(note):
        raise Tampered("not a signed note")
    text += "\n"
    wanted = key_id(name, public)
    ours = [blob[4:] for signer, blob in map(_signature, lines[:-1]) if signer == name and blob[:4] == wanted]
    if not ours:
        raise Tampered("the note carries no signature of this signer")
    try:
        for signature in ours:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except InvalidSignature:
        raise Tampered("the signature is not of this text") from None
    return text


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The three lines of a checkpoint, to be signed as a note."""
    if not origin or "\n" in origin or size < 0 or len(root) != 32:
        raise ValueError("a checkpoint has an origin, a size and a root of 32 bytes")
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text strictly; lines after the third are extensions, which the specification passes over."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "" or "" in lines[:-1] or not _SIZE.fullmatch(lines[1]):
        raise Tampered("not a checkpoint")
    root = _base64(lines[2])
    if len(root) != 32:
        raise Tampered("not a checkpoint")
    return Checkpoint(lines[0], int(lines[1]), root)


def _signature(line: str) -> tuple[str, bytes]:
    if not line.startswith(_MARK):
        raise Tampered("not a signed note")
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    blob = _base64(encoded)
    if not name or not space or len(blob) < 5:
        raise Tampered("not a signed note")
    return name, blob


def _base64(text: str) -> bytes:
    """Standard base64, and only in its one canonical spelling."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Tampered("not base64") from None
    if b64encode(data).decode() != text:
        raise Tampered("not base64 as everybody writes it")
    return data
