"""Each index is written with every row: of what is stored with every object none is kept that another says again."""

import pytest
from django.db import connection

from tests.conftest import Installation

RARE = {"archive_held"}
BY_PREFIX = "_like"
"""What PostgreSQL needs beside a unique text where a locale orders it otherwise than its letters."""

PARTIAL = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%% WHERE %%'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%% WHERE %%'",
}


def indexes(table: str) -> dict[str, tuple[list[str], bool]]:
    """The whole indexes of a table (those with a condition hold a part of it): their columns, and whether unique."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
        cursor.execute(PARTIAL[connection.vendor])
        partial = {name for (name,) in cursor.fetchall()}
    whole = {name: one for name, one in found.items() if (one["index"] or one["unique"]) and name not in partial}
    return {name: (one["columns"], one["unique"]) for name, one in whole.items()}


@pytest.mark.both_databases
def test_no_index_of_what_is_stored_with_objects_begins_another_one(installation: Installation) -> None:
    tables = [name for name in connection.introspection.table_names() if name.startswith("archive_")]
    assert "archive_instance" in tables
    said_again = []
    for table in set(tables) - RARE:
        found = indexes(table)
        for name, (columns, unique) in found.items():
            others = [other for one, (other, _) in found.items() if one != name]
            if (
                not unique
                and not name.endswith(BY_PREFIX)
                and any(other[: len(columns)] == columns for other in others)
            ):
                said_again.append((table, name, columns))
    assert said_again == []
