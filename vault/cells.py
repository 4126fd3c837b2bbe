"""Single values of a table, each sealed to its column and row (kind 7, the object id is the row)."""

from functools import lru_cache
from uuid import UUID

from vault.errors import Tampered
from vault.headers import HEADER_SIZE, KEY_ID, bound
from vault.objects import EMPTY_SLOTS, Header, Kind, cell_slots, seal, unseal_bound

_NOBODY = UUID(int=0)
_BEGINNING = Header(Kind.CELL, _NOBODY, _NOBODY).encode()[: KEY_ID.start]
_ROW_SIZE = 16
_AFTER_ROW = bound(EMPTY_SLOTS)[-2:]


def seal_cell(
    secret: bytes, key_id: UUID, table_column: str, row: UUID, text_or_bytes: str | bytes, *, generation: int = 0
) -> bytes:
    """Seal one cell under the key ``key_id``; text is sealed as UTF-8.

    A caller that overwrites a cell counts ``generation`` up, so that the older one no longer opens.
    """
    plain = text_or_bytes.encode() if isinstance(text_or_bytes, str) else text_or_bytes
    return seal(secret, Header(Kind.CELL, key_id, row, generation), cell_slots(table_column, row), plain)


def unseal_cell(
    secret: bytes, key_id: UUID, table_column: str, row: UUID, sealed: bytes, *, generation: int = 0
) -> bytes:
    """The bytes of one cell; raises ``Tampered`` when it comes from another row, column, key or generation."""
    return unseal_under(secret, key_id.bytes, table_column, row, sealed, generation)


def unseal_under(
    secret: bytes, key_id: bytes, table_column: str, row: UUID, sealed: bytes, generation: int = 0
) -> bytes:
    """The same, of who has the key's id as its 16 bytes."""
    # A page of a list opens a thousand cells: header and slots are put together here, without an object for each.
    name = row.bytes
    header = _BEGINNING + key_id + name + generation.to_bytes(4, "big")
    return unseal_bound(secret, header, _before_row(table_column) + name + _AFTER_ROW, sealed)


def key_of(sealed: bytes) -> bytes:
    """The 16 bytes of the key that a stored cell says it is sealed under: a claim until the cell opens under it.

    Raises ``Tampered``.
    """
    if len(sealed) < HEADER_SIZE:
        raise Tampered("a header has 48 bytes")
    return sealed[KEY_ID]


@lru_cache(maxsize=64)
def _before_row(table_column: str) -> bytes:
    """What stands in a context ahead of the row: the column, and how long the row's own slot is."""
    column = table_column.encode()
    return len(column).to_bytes(2, "big") + column + _ROW_SIZE.to_bytes(2, "big")
