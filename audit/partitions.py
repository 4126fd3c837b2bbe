"""On Postgres the log lies in ranges of (log, seq), cut about once a year, so that no table of it grows without end.

The last range is open to the end: no row is ever without a place. A cut needs the owner of the tables, and happens
with `migrate` (which every `setup` runs) when the open range is more than a year old. Rows stay where they are.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from audit import clock, turns

YEAR_US = 365 * 86_400 * 1_000_000
_TABLES = ("audit_event", "audit_listed")
_UNIQUE = {"audit_event": "id"}


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the open range ended: its last row."""

    log: int
    seq: int


def cut_due(**_signal: Any) -> Cut | None:
    """Close the open range behind the newest row if its oldest is more than a year old. Database errors pass through.

    Writers wait for as long as the database takes to look over the range: some seconds for ten million rows.
    """
    if connection.vendor != "postgresql" or not _is_due():
        return None
    with transaction.atomic():
        log, seq, _, _ = turns.take() or (1, 0, b"", 0)
        with connection.cursor() as cursor:
            for table in _TABLES:
                _cut(cursor, table, log, seq)
    return Cut(log, seq)


def _is_due() -> bool:
    with connection.cursor() as cursor:
        if not (parts := _parts(cursor, "audit_event")):
            return False
        cursor.execute(f"SELECT time_us FROM {parts[-1]} ORDER BY log, seq LIMIT 1")  # noqa: S608 # nosec B608 # a name of ours
        oldest = cursor.fetchone()
    return oldest is not None and round(clock.now() * 1_000_000) - oldest[0] > YEAR_US


def _parts(cursor: Any, table: str) -> list[str]:
    """The names of a table's ranges, the open one last."""
    cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)", [table])
    return sorted((name for (name,) in cursor.fetchall()), key=lambda name: int(name.rpartition("_")[2]))


def _cut(cursor: Any, table: str, log: int, seq: int) -> None:
    *closed, last = _parts(cursor, table)
    begin, end = _begin(cursor, closed), f"({log}, {seq + 1})"
    number = len(closed) + 2
    cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {last}")
    cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {last} FOR VALUES FROM {begin} TO {end}")
    cursor.execute(f"CREATE TABLE {table}_{number} PARTITION OF {table} FOR VALUES FROM {end} TO (MAXVALUE, MAXVALUE)")
    if unique := _UNIQUE.get(table):
        cursor.execute(f"ALTER TABLE {table}_{number} ADD UNIQUE ({unique})")
    cursor.execute(
        f"CREATE TRIGGER {table}_no_sweep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}_{number} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )
    for part in (last, f"{table}_{number}"):
        for trigger in ("no_change", "no_sweep"):
            cursor.execute(f"ALTER TABLE {part} ENABLE ALWAYS TRIGGER {table}_{trigger}")


def _begin(cursor: Any, closed: list[str]) -> str:
    """Where the open range begins: where the one before it ends."""
    if not closed:
        return "(MINVALUE, MINVALUE)"
    cursor.execute("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = %s::regclass", [closed[-1]])
    bound: str = cursor.fetchone()[0]
    return bound.rpartition(" TO ")[2]
