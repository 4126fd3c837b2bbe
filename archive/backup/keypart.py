"""The key part: every wrapped key of the installation in one file, the only one of a place that is ever replaced.

A clear head carries the epochs and the installation's keys, all of them wrapped, so that the root key or enough
recovery shares are all that is needed to begin. The body, sealed under the key `backup`, carries the wrapped keys of
studies and patients with whose they are. The body is bound to the head.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from archive import keyring
from archive.backup import loading, parts, sections, snapshot
from archive.backup.folder import Folder
from archive.errors import Damaged
from archive.models import StudyKey
from keystore import carrying
from keystore import keys as keystore
from keystore.carrying import Carried
from keystore.errors import KeystoreError
from keystore.memory import Key
from vault.errors import Tampered

FILE = "custos.keys"
_LENGTH = struct.Struct(">I")
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class KeyPart:
    """An opened key part: `study_keys` are rows as they were, wrapped."""

    carried: Carried
    backup: Key = field(repr=False)
    study_keys: loading.Rows

    def ids(self) -> set[UUID]:
        """The keys of studies and patients that there are."""
        return {row["id"] for row in self.study_keys.told()}

    def faults(self) -> Iterator[str]:
        """A line for each key that does not open, and nothing of it."""
        try:
            self.carried.check()
        except KeystoreError as error:
            yield str(error)
        for row in self.study_keys.told():
            bound = keyring.slots(row["scope"], row["subject"])
            try:
                self.carried.unwrapped(row["epoch"], row["id"], row["wrapped"], bound)
            except (Tampered, KeystoreError):
                yield f"The key {row['id']} of a {row['scope']} does not open."


def write(folder: Folder) -> int:
    """Replace the key part at a place by one with the keys of now; return its length.

    Raises Unavailable, KeystoreError.
    """
    with snapshot.consistent():
        content = _content()
    folder.replace(FILE, content)
    return len(content)


def _content() -> bytes:
    head = orjson.dumps(carrying.rows(), option=orjson.OPT_SORT_KEYS)
    section = sections.section(StudyKey._meta.db_table)
    names = [one.attname for one in section.fields]
    rows = StudyKey.objects.order_by("id").values_list(*names).iterator(2000)
    plain = loading.encoded(section.table, names, [sections.encoded(row) for row in rows])
    body = parts.seal_named(keystore.installation_key("backup"), parts.KEYS, parts.digest(head), plain)
    content = _LENGTH.pack(len(head)) + head + body
    # Rot is told from a wrong root by this; who changes the file on purpose is found by the binding of body and head.
    return content + parts.digest(content)


def read(folder: Folder, seed: bytes | None = None) -> KeyPart:
    """Open the key part of a place by the root of PACS_KEK_URL, or by the recovery key's seed.

    Raises Damaged when it is not whole, and KeystoreError when it is not to be opened with these.
    """
    stored = folder.read(FILE)
    content, digest = stored[:-_DIGEST], stored[-_DIGEST:]
    if parts.digest(content) != digest:
        raise Damaged(f"{FILE}: it was changed or cut.")
    (length,) = _LENGTH.unpack(content[: _LENGTH.size].ljust(_LENGTH.size, b"\0"))
    head, body = content[_LENGTH.size : _LENGTH.size + length], content[_LENGTH.size + length :]
    carried = carrying.opened(_told(head, length), seed)
    backup = carried.key("backup")
    try:
        plain = parts.open_named(backup, parts.KEYS, parts.digest(head), body)
    except Damaged as error:
        raise Damaged(f"{FILE}: {error}") from None
    return KeyPart(carried, backup, loading.Rows(plain))


def _told(head: bytes, length: int) -> dict[str, Any]:
    try:
        told = orjson.loads(head)
        if len(head) != length or not isinstance(told, dict):
            raise ValueError("cut")
        return told
    except ValueError:
        raise Damaged(f"{FILE}: it was changed or cut.") from None
