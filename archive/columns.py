"""The searchable columns, by the number that stands in token rows, and the names that tie cells to their place.

Numbers and names are part of what is sealed and stored: never reuse or rename one.
"""

from enum import IntEnum


class Column(IntEnum):
    """A column with search tokens."""

    PATIENT_NAME = 1
    PATIENT_ID = 2
    OTHER_IDS = 3
    BIRTH_DATE = 4
    ACCESSION = 5
    STUDY_ID = 6
    DESCRIPTION = 7
    REFERRING = 8
    PERFORMING = 9
    SERIES_DESCRIPTION = 10


NAMES = frozenset({Column.PATIENT_NAME, Column.REFERRING, Column.PERFORMING})
PHRASES = frozenset({Column.DESCRIPTION, Column.REFERRING, Column.PERFORMING, Column.SERIES_DESCRIPTION})


def cell_name(table: str, field: str) -> str:
    """`table.column` as sealed cells carry it, such as `patient.name_cell`; the table is the model in lower case."""
    return f"{table}.{field}"
