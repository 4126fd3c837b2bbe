"""What is on record stays on record, whatever statement asks."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from audit import log
from audit.events import Event
from audit.models import AuditEvent, AuditListed, Checkpoint
from tests.conftest import Installation

STATEMENTS = [
    "UPDATE audit_event SET actor_name = 'nobody' WHERE seq = 1",
    "UPDATE audit_event SET seq = seq + 1000",
    "DELETE FROM audit_event WHERE seq = 1",
    "DELETE FROM audit_event",
    "UPDATE audit_listed SET study_uid = '1'",
    "DELETE FROM audit_listed",
    "UPDATE audit_checkpoint SET note = ''",
    "DELETE FROM audit_checkpoint",
]
COLUMNS = ", ".join(f'"{field.column}"' for field in AuditEvent._meta.concrete_fields)
REPLACED = COLUMNS.replace('"actor_name"', "'forged'")
OTHER_SEQ = REPLACED.replace('"seq"', '"seq" + 1000')
OTHER_BOTH = OTHER_SEQ.replace('"id"', "'" + "cd" * 16 + "'")
OTHER_ID = REPLACED.replace('"id"', "'" + "ab" * 16 + "'")
ON_SQLITE = [
    f"INSERT OR REPLACE INTO audit_event ({COLUMNS}) SELECT {REPLACED} FROM audit_event WHERE seq = 1",
    f"REPLACE INTO audit_event ({COLUMNS}) SELECT {OTHER_SEQ} FROM audit_event WHERE seq = 1",
    f"REPLACE INTO audit_event ({COLUMNS}) SELECT {OTHER_ID} FROM audit_event WHERE seq = 1",
    f"REPLACE INTO audit_event (rowid, {COLUMNS}) SELECT rowid, {OTHER_BOTH} FROM audit_event WHERE seq = 1",
    f"INSERT INTO audit_event ({COLUMNS}) SELECT {COLUMNS} FROM audit_event WHERE seq = 1 "
    "ON CONFLICT (log, seq) DO UPDATE SET actor_name = 'forged'",
    "REPLACE INTO audit_listed (log, seq, position, study_uid) SELECT log, seq, position, '1' FROM audit_listed",
]
ON_POSTGRES = [
    "TRUNCATE audit_event",
    "TRUNCATE audit_listed",
    "TRUNCATE audit_checkpoint",
    f"INSERT INTO audit_event ({COLUMNS}) SELECT {COLUMNS} FROM audit_event WHERE seq = 1 "
    "ON CONFLICT (log, seq) DO UPDATE SET actor_name = 'forged'",
    "SET session_replication_role = replica; DELETE FROM audit_event",
]


@pytest.fixture
def content(installation: Installation, event: Callable[..., Event]) -> None:
    log.commit([event(), event(listed=("1.2.3",)), event()])
    Checkpoint.objects.create(log=1, size=1, note="n", created_at=timezone.now())


def _snapshot() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        rows: list[tuple[object, ...]] = []
        for table in ("audit_event", "audit_listed", "audit_checkpoint"):
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
            rows += [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall()]
    return rows


@pytest.mark.both_databases
@pytest.mark.usefixtures("content")
@pytest.mark.parametrize("statement", STATEMENTS)
def test_change_and_removal_are_refused(statement: str) -> None:
    _refuses(statement)


@pytest.mark.usefixtures("content")
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize("statement", ON_SQLITE)
def test_sqlite_refuses_to_replace_with_and_without_recursive_triggers(statement: str, recursive: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own statements")
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA recursive_triggers = {recursive}")
    _refuses(statement)


@pytest.mark.postgres
@pytest.mark.usefixtures("content")
@pytest.mark.parametrize("statement", ON_POSTGRES)
def test_postgres_refuses_to_truncate_upsert_and_play_the_replica(statement: str) -> None:
    _refuses(statement)


def _refuses(statement: str) -> None:
    before = _snapshot()
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
    assert _snapshot() == before


@pytest.mark.both_databases
@pytest.mark.usefixtures("content")
def test_the_models_own_ways_are_refused_too() -> None:
    row = AuditEvent.objects.order_by("seq")[0]
    row.actor_name = "forged"
    for act in (row.save, row.delete, AuditEvent.objects.all().delete, AuditListed.objects.all().delete):
        with pytest.raises(DatabaseError):
            act()
    with pytest.raises(DatabaseError):
        AuditEvent.objects.update(actor_name="forged")
    assert not AuditEvent.objects.filter(actor_name="forged").exists()
