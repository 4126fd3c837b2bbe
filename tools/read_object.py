"""Read what an installation has stored, from docs/FORMAT.md alone: nothing of the program that wrote it is imported.

    python -I read_object.py --root ROOT.KEY --keys INDEX.SQLITE3|KEYS.TXT [--write FOLDER] PACK…

Prints a line for each record of the packs: the SOP Instance UID, the size, and the SHA-256 of the plain file, or why it
does not open; `--write` also writes what opens. KEYS.TXT is what `psql -At -F ' '` prints on PostgreSQL for KEYS_QUERY.
Exit codes: 0 everything opened, 1 something did not. Deliberately plain; its one dependency is AES-256-GCM.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEYS_QUERY = (
    "SELECT id, root_id, '', '', {hex}(wrapped{form}) FROM keystore_epochkey UNION ALL "
    "SELECT id, epoch, scope, subject, {hex}(wrapped{form}) FROM archive_studykey"
)
HEAD, WRAPPED = 8, 6
Wrapped = dict[UUID, tuple[UUID, list[bytes], bytes]]


class RefusedError(Exception):
    """The object does not open."""


def expand(key: bytes, info: bytes, length: int, name: str = "sha512") -> bytes:
    """HKDF-Expand (RFC 5869 §2.3)."""
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([counter]), name).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def read(
    secret: bytes, kind: int, key_id: str, object_id: str, generation: int, slots: list[bytes], sealed: bytes
) -> bytes:
    """The plaintext of a sealed object that is expected to be of this kind, key, id, generation and place."""
    header = b"CUSTOS01" + bytes([1, kind, 0, 0]) + UUID(key_id).bytes + UUID(object_id).bytes
    header += generation.to_bytes(4, "big")
    if sealed[:48] != header:
        raise RefusedError("header")
    salt, commitment, body = sealed[48:72], sealed[72:104], sealed[104:]
    context = b"custos/object/v1" + header + b"".join(len(slot).to_bytes(2, "big") + slot for slot in slots)
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\0" + salt + context
    derived = expand(secret, info, 76)
    if derived[44:] != commitment:
        raise RefusedError("commitment")
    base, plain = int.from_bytes(derived[32:44], "big"), []
    # The step beyond the end is meant: a plaintext of whole chunks ends in a chunk that is a tag alone.
    for number in range(len(body) // 16400 + 1):
        try:
            chunk = body[number * 16400 : (number + 1) * 16400]
            plain.append(AESGCM(derived[:32]).decrypt((base ^ number).to_bytes(12, "big"), chunk, None))
        except InvalidTag:
            raise RefusedError(f"chunk {number}") from None
    return b"".join(plain)


def root_key(line: str) -> tuple[UUID, bytes]:
    """The root key and its id, from the one line of a `file:` provider."""
    form, _, coded = line.strip().partition(" ")
    secret = base64.b64decode(coded, validate=True)
    if form != "custos-root-1" or len(secret) != 32:
        raise RefusedError("root key file")
    return UUID(bytes=expand(secret, b"custos/root-id/v1", 32, "sha256")[:16]), secret


def key_table(path: Path) -> Wrapped:
    """Every wrapped key by its id, with the key it is wrapped under and its slots."""
    if path.read_bytes()[:15] == b"SQLite format 3":
        rows = sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute(KEYS_QUERY.format(hex="hex", form=""))
    else:
        rows = (line.split(" ") for line in path.read_text().splitlines())  # type: ignore[assignment]
    return {
        UUID(one): (UUID(under), [scope.encode(), subject.encode(), b""], bytes.fromhex(wrapped))
        for one, under, scope, subject, wrapped in rows
    }


def key(wanted: UUID, root: tuple[UUID, bytes], table: Wrapped) -> bytes:
    """The secret of a key, opened from the root downwards."""
    if wanted == root[0]:
        return root[1]
    if wanted not in table:
        raise RefusedError(f"key {wanted} is not in the table")
    under, slots, wrapped = table[wanted]
    return read(key(under, root, table), WRAPPED, str(under), str(wanted), 0, slots, wrapped)


def records(pack: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The heads and objects of a pack, up to where a crash cut it off; zeros fill up a block behind some of them."""
    at = 0
    while at + 8 <= len(pack):
        block = -(-at // 4096) * 4096
        if not any(pack[at:block]):
            at = block
        rest, head = (int.from_bytes(pack[begin : begin + 4], "big") for begin in (at, at + 4))
        if not rest or at + 4 + rest > len(pack):
            return
        end, body = at + 4 + rest, at + 8 + head
        yield pack[at + 8 : body], pack[body:end]
        at = end


def opened(head: bytes, sealed: bytes, root: tuple[UUID, bytes], table: Wrapped) -> tuple[str, bytes]:
    """What a record holds: its SOP Instance UID (or kind and id), and the plain bytes."""
    key_id, head_id = str(UUID(bytes=head[12:28])), str(UUID(bytes=head[28:44]))
    secret = key(UUID(key_id), root, table)
    told = json.loads(read(secret, HEAD, key_id, head_id, int.from_bytes(head[44:48], "big"), [b""] * 3, head))
    uids = [told.get(name, "").encode() for name in ("study", "series", "instance")] if told["kind"] < 4 else [b""] * 3
    plain = read(secret, told["kind"], key_id, told["object"], told["generation"], uids, sealed)
    return (told["instance"] if told["kind"] == 1 else f"kind-{told['kind']}-{told['object']}"), plain


def main() -> int:
    parser = argparse.ArgumentParser(description="Read sealed packs without the program that wrote them.")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--write", type=Path)
    parser.add_argument("packs", type=Path, nargs="+")
    given = parser.parse_args()
    root, table, failed = root_key(given.root.read_text()), key_table(given.keys), 0
    for path in given.packs:
        for number, (head, sealed) in enumerate(records(path.read_bytes())):
            try:
                name, plain = opened(head, sealed, root, table)
            except RefusedError as why:
                failed = 1
                sys.stdout.write(f"{path.name} record {number} does not open: {why}\n")
                continue
            sys.stdout.write(f"{name} {len(plain)} {hashlib.sha256(plain).hexdigest()}\n")
            if given.write:
                (given.write / f"{name}.dcm").write_bytes(plain)
    return failed


if __name__ == "__main__":
    sys.exit(main())
