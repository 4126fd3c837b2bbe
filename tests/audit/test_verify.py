"""Whatever is done to the log past the program is found, and the first bad row is named."""

from collections.abc import Callable

import pytest
from django.db import connection

from audit import clock, log, rows, tables, verify
from audit.models import AuditEvent, Checkpoint
from audit.walk import Wrong
from tests.audit.conftest import Make, Unguarded
from tests.audit.tampering import do, first_finding
from tests.conftest import Installation

EDITS: dict[str, object] = {
    "version": 2,
    "time_us": 1,
    "action": "study:view2",
    "outcome": "denied",
    "actor_kind": "device",
    "actor_key": "person:other",
    "actor_name": "other",
    "actor_role": "other",
    "actor_address": "192.0.2.9",
    "actor_ae_title": "OTHER",
    "actor_session": "other",
    "request_id": "other",
    "purpose": "other",
    "study_uid": "1.9.9",
    "patient": "cd" * 16,
    "sitting": "cd" * 16,
    "count": 99,
    "details_key": "cd" * 16,
    "details": b"other",
    "leaf": bytes(32),
    "row": bytes(32),
    "id": "cd" * 16,
    "seq": 900,
    "log": 2,
}


def test_every_column_is_covered_by_an_edit() -> None:
    assert set(EDITS) == {field.column for field in AuditEvent._meta.concrete_fields}


@pytest.mark.both_databases
@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("column", list(EDITS))
def test_an_edit_of_any_column_names_its_row(written: int, unguarded: Unguarded, column: str, place: str) -> None:
    seq = {"first": 1, "middle": written - 8, "last": written}[place]
    with unguarded():
        do(f'UPDATE audit_event SET "{column}" = %s WHERE seq = %s', [EDITS[column], seq])
    code, at, words = first_finding()
    assert (code, at) == (1, seq)
    if column not in ("seq", "log", "row", "version"):
        assert words == f"row {seq} was edited: its leaf does not match its columns"


def test_a_text_where_a_number_belongs_is_found(written: int, unguarded: Unguarded) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite stores text in a number's column")
    with unguarded():
        do("UPDATE audit_event SET count = 'many' WHERE seq = 5")
    assert first_finding() == (1, 5, "row 5 was edited: it cannot be read")


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("which", "first"), [("seq = 1", 1), ("seq = 7", 7), ("seq BETWEEN 7 AND 9", 7), ("seq <= 3", 1)]
)
def test_a_removed_row_is_named(written: int, unguarded: Unguarded, which: str, first: int) -> None:
    with unguarded():
        do(f"DELETE FROM audit_event WHERE {which}")
    code, at, words = first_finding()
    assert (code, at) == (1, first)
    assert "missing" in words


@pytest.mark.both_databases
def test_a_cut_tail_is_found_by_what_was_signed(written: int, unguarded: Unguarded) -> None:
    with unguarded():
        do("DELETE FROM audit_listed WHERE seq > %s", [written - 3])
        do("DELETE FROM audit_event WHERE seq > %s", [written - 3])
    code, at, words = first_finding()
    assert (code, at) == (2, written - 2)
    assert "cut" in words


@pytest.mark.both_databases
def test_two_swapped_rows_are_named(written: int, unguarded: Unguarded) -> None:
    with unguarded():
        do("UPDATE audit_event SET seq = 1007 WHERE seq = 7")
        do("UPDATE audit_event SET seq = 7 WHERE seq = 9")
        do("UPDATE audit_event SET seq = 9 WHERE seq = 1007")
    code, at, _ = first_finding()
    assert (code, at) == (1, 7)


def _rechain(after: int, edit: Callable[[rows.Row], rows.Row], shift: int = 0) -> None:
    """Forge as somebody who knows the format but not the signing key: edit row `after` + 1 and rewrite what follows."""
    kept = [(tables.decode(stored), shown) for stored, shown in tables.rows(1, after)]
    previous = tables.decode(tables.page(1, after - 1, 1)[0])[2]
    do("DELETE FROM audit_listed WHERE seq > %s", [after])
    do("DELETE FROM audit_event WHERE seq > %s", [after])
    forged = []
    for number, ((row, _, _), shown) in enumerate(kept):
        row = edit(row) if number == 0 else row
        row = rows.Row(**{**{name: getattr(row, name) for name in tables.COLUMNS}, "seq": row.seq + shift})
        forged.append(rows.chain(row, tuple(uid for _, uid in shown), previous))
        previous = forged[-1].row
    tables.insert(forged)


@pytest.mark.both_databases
def test_an_edit_with_the_chain_recomputed_is_found_by_the_checkpoint(written: int, unguarded: Unguarded) -> None:
    middle = Checkpoint.objects.order_by("size")[0].size

    def forge(row: rows.Row) -> rows.Row:
        return rows.Row(**{**{name: getattr(row, name) for name in tables.COLUMNS}, "actor_name": "other"})

    with unguarded():
        _rechain(middle + 2, forge)
    code, at, words = first_finding()
    assert (code, at) == (1, middle + 1)
    assert f"from {middle + 1} to {written}" in words


@pytest.mark.both_databases
def test_a_row_inserted_with_the_chain_recomputed_is_found_by_the_checkpoint(
    written: int, unguarded: Unguarded, event: Make
) -> None:
    with unguarded():
        _rechain(4, lambda row: row, shift=1)
        row, _, chained = tables.decode(tables.page(1, 3, 1)[0])
        values = {name: getattr(row, name) for name in tables.COLUMNS} | {"seq": 5, "id": event().id}
        tables.insert([rows.chain(rows.Row(**values), (), chained)])
        _rechain(5, lambda row: row)
    code, at, words = first_finding()
    assert (code, at) == (1, 1)
    assert "chain recomputed" in words


@pytest.mark.both_databases
def test_a_forged_row_at_the_end_breaks_the_chain(written: int, unguarded: Unguarded, event: Make) -> None:
    row, _, _ = tables.decode(tables.page(1, written - 1, 1)[0])
    values = {name: getattr(row, name) for name in tables.COLUMNS} | {"seq": written + 1, "id": event().id}
    tables.insert([rows.chain(rows.Row(**values), (), bytes(32))])
    code, at, words = first_finding()
    assert (code, at) == (1, written + 1)
    assert "does not follow" in words


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_listed SET study_uid = '1.9' WHERE seq = 8",
        "UPDATE audit_listed SET position = position + 5 WHERE seq = 8",
        "DELETE FROM audit_listed WHERE seq = 8 AND position = 1",
        "INSERT INTO audit_listed (log, seq, position, study_uid) VALUES (1, 8, 2, '1.9')",
    ],
)
def test_an_edit_of_the_listed_studies_names_the_row(written: int, unguarded: Unguarded, statement: str) -> None:
    seq = next(number for number in (8, 9) if tables.listed(1, number, number))
    with unguarded():
        do(statement.replace("seq = 8", f"seq = {seq}").replace("(1, 8,", f"(1, {seq},"))
    assert first_finding()[:2] == (1, seq)


@pytest.mark.both_databases
def test_studies_listed_for_no_row_are_found(written: int) -> None:
    do("INSERT INTO audit_listed (log, seq, position, study_uid) VALUES (1, 5000, 0, '1.9')")
    assert first_finding()[:2] == (1, 5000)


@pytest.mark.both_databases
def test_a_time_that_runs_backwards_is_a_matter_of_the_clock(written: int, event: Make) -> None:
    row, _, chained = tables.decode(tables.page(1, written - 1, 1)[0])
    values = {name: getattr(row, name) for name in tables.COLUMNS}
    values |= {"seq": written + 1, "id": event().id, "time_us": row.time_us - 1}
    tables.insert([rows.chain(rows.Row(**values), (), chained)])
    assert first_finding()[:2] == (3, written + 1)


@pytest.mark.both_databases
def test_a_time_that_lies_ahead_is_a_matter_of_the_clock(
    installation: Installation, event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.commit([event()])
    monkeypatch.setattr(clock, "now", lambda: 4e9)
    log.commit([event()])
    report = verify.run()
    assert (report.code, report.findings[0].wrong) == (3, Wrong.CLOCK)
