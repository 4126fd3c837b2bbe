"""On Postgres the log is cut into ranges; whatever is cut stays one log, append-only in every part."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from audit import clock, export, log, partitions, tables, verify
from audit.errors import LogUnavailable
from audit.models import AuditEvent
from audit.partitions import Cut
from tests.audit.conftest import Make, Unguarded
from tests.audit.tampering import do, first_finding
from tests.conftest import Installation

pytestmark = [pytest.mark.postgres]

YEAR_LATER = partitions.YEAR_US / 1_000_000 + 60


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year has gone by for whoever asks the clock of the record."""
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + YEAR_LATER)


def parts(table: str = "audit_event") -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s) ORDER BY 1", [table]
        )
        names = [name for (name,) in cursor.fetchall()]
        counts = []
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")
            counts.append(cursor.fetchone()[0])
    return list(zip(names, counts, strict=True))


def test_a_year_old_range_is_closed_behind_its_newest_row_and_the_record_stays_whole(
    written: int, event: Make, request: pytest.FixtureRequest
) -> None:
    before = "".join(export.records())
    assert partitions.cut_due() is None
    request.getfixturevalue("later")
    call_command("migrate", verbosity=0)
    assert parts() == [("audit_event_1", written), ("audit_event_2", 0)]
    assert "".join(export.records()) == before
    log.commit([event(listed=("1.2",)), event()])
    assert parts() == [("audit_event_1", written), ("audit_event_2", 2)]
    assert parts("audit_listed")[1] == ("audit_listed_2", 1)
    assert AuditEvent.objects.count() == written + 2
    assert tables.head()[:2] == (1, written + 2)  # type: ignore[index]
    assert partitions.cut_due() is None


def test_cut_again_and_again_no_row_is_without_a_place(
    installation: Installation, event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now
    for year in range(1, 5):
        monkeypatch.setattr(clock, "now", lambda year=year: now() + year * YEAR_LATER)
        assert (partitions.cut_due() is None) is (year == 1)
        log.commit([event(), event(listed=("1.2",)), event()])
    assert parts() == [(f"audit_event_{number}", 3) for number in range(1, 5)]
    assert verify.run().rows == 12


def test_without_rows_nothing_is_cut(installation: Installation, later: None) -> None:
    assert partitions.cut_due() is None
    assert parts() == [("audit_event_1", 0)]


@pytest.mark.parametrize("part", ["audit_event", "audit_event_1", "audit_event_2", "audit_listed_1", "audit_listed_2"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET seq = seq", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_every_part_is_append_only(
    written: int, later: None, event: Make, part: str, statement: str, role: str
) -> None:
    assert partitions.cut_due() == Cut(1, written)
    log.commit([event(listed=("1.2",))])
    with pytest.raises(DatabaseError, match="append-only"):
        do(f"SET session_replication_role = {role}; {statement.format(part)}")
    connection.close()
    assert AuditEvent.objects.count() == written + 1


def test_an_edit_past_the_program_is_found_in_every_part(
    written: int, later: None, event: Make, unguarded: Unguarded
) -> None:
    partitions.cut_due()
    log.commit([event(), event()])
    for part, seq in (("audit_event_1", written), ("audit_event_2", written + 1)):
        with unguarded():
            do(f"ALTER TABLE {part} DISABLE TRIGGER ALL")
            do(f"UPDATE {part} SET actor_name = 'other' WHERE seq = %s", [seq])
        assert first_finding()[:2] == (1, seq)
        with unguarded():
            do(f"UPDATE {part} SET actor_name = 'weber' WHERE seq = %s", [seq])


def test_an_id_stays_unique_within_its_part(written: int, later: None, event: Make) -> None:
    partitions.cut_due()
    one = event()
    log.commit([one])
    with pytest.raises(LogUnavailable):
        log.commit([one])


def test_the_indexes_of_the_whole_are_on_every_part(written: int, later: None) -> None:
    partitions.cut_due()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, count(*) FROM pg_indexes WHERE tablename LIKE 'audit_event%' GROUP BY 1")
        counted = dict(cursor.fetchall())
    assert counted["audit_event_1"] == counted["audit_event_2"] == counted["audit_event"] + 1 >= 7
