"""Single values of a table, each sealed to its column and row (kind 7, the object id is the row)."""

from uuid import UUID

from vault.objects import Header, Kind, cell_slots, seal, unseal


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
    return unseal(secret, Header(Kind.CELL, key_id, row, generation), cell_slots(table_column, row), sealed)
