"""What `archive.keys` hands out against a receipt: opens cells and objects, shows no key, and tells of damage."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import Error as AnyDatabaseError

from accounts import epoch
from accounts.recent import Recent
from archive import keyring
from archive.errors import Damaged
from archive.fixity import findings
from archive.keyring import Wrapped
from audit import alerts
from audit.errors import AuditError
from audit.log import DETAILS
from keystore import keys as keystore
from vault import cells, objects
from vault.errors import Tampered
from vault.objects import Header, Kind, Slots

logger = logging.getLogger(__name__)

Read = Callable[[int, int], bytes]
_TEXTS: Recent[tuple[int, str, int, bytes], str] = Recent(most=8192, seconds=60.0)
"""Cells of lists that this process has opened, for as long as their keys stay in its memory, by all that decides what
they say: the key that the list was given (its hash, so that no key is kept here), column, row, every sealed byte."""

WORDS = "It does not open: it was changed, cut or moved."


class _FormerKey(Tampered):
    """What lies under a former key was looked up before it was sealed anew, or was put there: a scrub tells which."""


@dataclass(frozen=True, slots=True, repr=False)
class Bunch:
    """The keys that an opener holds, by the 16 bytes of their ids, as cells name them.

    Those in `former` were replaced and open details in the log, nothing else.
    """

    secrets: dict[bytes, bytes]
    former: frozenset[bytes]

    def secret(self, key_id: bytes, table_column: str = "") -> bytes:
        """The key of a cell of this column, or of an object. Raises Tampered where it is not to open that."""
        secret = self.secrets.get(key_id)
        if secret is None:
            raise Tampered("another study's key")
        if key_id in self.former and table_column != DETAILS:
            raise _FormerKey("a key that was replaced")
        return secret


def load(key_ids: Iterable[UUID], former: Iterable[UUID] = (), rows: Iterable[Wrapped] = ()) -> Bunch:
    """The keys an opener holds: those asked for, and the field key of values that belong to no single study.

    `rows` are those of the keys that were read already.
    """
    field = keystore.installation_key("field")
    secrets = {**keyring.many(key_ids, rows), field.id: field.secret}
    return Bunch({key_id.bytes: secret for key_id, secret in secrets.items()}, frozenset(one.bytes for one in former))


class CellOpener:
    """Opens cells of the studies it was made for, and nothing else."""

    __slots__ = ("_again", "_held", "_tells")

    def __init__(self, held: Bunch, *, tells: bool = True, again: Callable[[], Bunch] | None = None) -> None:
        self._held, self._tells, self._again = held, tells, again

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def cell(self, table_column: str, row: UUID, sealed: bytes | memoryview, generation: int = 0) -> bytes:
        """The bytes of one cell, empty for an empty one. Raises Damaged."""
        stored = bytes(sealed)
        if not stored:
            return b""
        try:
            key_id = cells.key_of(stored)
            secret = self._secret(key_id, table_column)
            return cells.unseal_under(secret, key_id, table_column, row, stored, generation)
        except Tampered as error:
            raise self._damage(row, table_column, error) from None

    def text(self, table_column: str, row: UUID, sealed: bytes | memoryview) -> str:
        """One cell as text, as it was opened a moment ago: a list that is looked at again has the same ones."""
        stored = bytes(sealed)
        if not stored:
            return ""
        try:
            key_id = cells.key_of(stored)
            secret = self._secret(key_id, table_column)
            name = (hash(secret), table_column, row.int, stored)
            found = _TEXTS.get(name)
            if found is None:
                number, began = epoch.watched(), time.monotonic()
                found = cells.unseal_under(secret, key_id, table_column, row, stored).decode("utf-8", "replace")
                if number is not None:
                    _TEXTS.keep(name, found, number, began)
            return found
        except Tampered as error:
            raise self._damage(row, table_column, error) from None

    def _secret(self, key_id: bytes, table_column: str = "") -> bytes:
        """One of the keys, looked up again where it is not known: the study may have been given another one since."""
        if key_id not in self._held.secrets and self._again is not None:
            self._held = self._again()
        return self._held.secret(key_id, table_column)

    def _damage(self, object_id: UUID, what: str, error: Tampered) -> Damaged:
        return _damage(object_id, what, tells=self._tells and not isinstance(error, _FormerKey))


class Opener(CellOpener):
    """Opens cells and objects of one study. Valid as long as the receipt behind it: never kept beyond one request."""

    __slots__ = ("study_uid",)

    def __init__(
        self, held: Bunch, study_uid: str, *, tells: bool = True, again: Callable[[], Bunch] | None = None
    ) -> None:
        super().__init__(held, tells=tells, again=again)
        self.study_uid = study_uid

    def silent(self) -> "Opener":
        """The same for who tells of damage in words of its own: nothing is marked when something does not open."""
        return Opener(self._held, self.study_uid, tells=False, again=self._again)

    def object(
        self, key_id: UUID, kind: Kind, object_id: UUID, generation: int, slots: Slots, sealed: bytes | memoryview
    ) -> bytes:
        """A whole object from its stored bytes. Raises Damaged."""
        try:
            return objects.unseal(
                self._secret(key_id.bytes), Header(kind, key_id, object_id, generation), slots, sealed
            )
        except Tampered as error:
            raise self._damage(object_id, kind.name.lower(), error) from None

    def range(
        self,
        key_id: UUID,
        kind: Kind,
        object_id: UUID,
        generation: int,
        slots: Slots,
        read: Read,
        sealed_length: int,
        start: int,
        length: int,
        *,
        check_end: bool = False,
    ) -> bytes:
        """A range of an object; `read(offset, length)` gives its stored bytes. Raises Damaged."""
        header = Header(kind, key_id, object_id, generation)
        try:
            return objects.unseal_range(
                self._secret(key_id.bytes), header, slots, read, sealed_length, start, length, check_end=check_end
            )
        except Tampered as error:
            raise self._damage(object_id, kind.name.lower(), error) from None

    def stream(
        self, key_id: UUID, kind: Kind, object_id: UUID, generation: int, slots: Slots, chunks: Iterable[bytes]
    ) -> Iterator[bytes]:
        """An object in pieces; that it is whole is known only at the end. Raises Damaged."""
        header = Header(kind, key_id, object_id, generation)
        try:
            yield from objects.unseal_stream(self._secret(key_id.bytes), header, slots, chunks)
        except Tampered as error:
            raise self._damage(object_id, kind.name.lower(), error) from None


def _damage(object_id: UUID, what: str, *, tells: bool = True) -> Damaged:
    """Mark what did not open and tell people; the caller learns of the damage even if neither can be written."""
    if tells:
        try:
            if what in findings.FOLLOWED:
                findings.found(object_id, what, WORDS)
            else:
                alerts.raise_("damaged", str(object_id), f"A stored object ({what}) is damaged: {WORDS}")
        except (AnyDatabaseError, AuditError):
            logger.exception("damage could not be recorded")
    return Damaged("A stored object does not open.")
