"""Mixed traffic: what visitors wrote down is counted rightly, and nothing is told once a promise was broken."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench import promises, visits, watching
from bench.visits import FRAME, METADATA, SEARCHED, STORED, Act
from bench.watching import ALL, Sample
from bench.works import mixed

ACTS = [
    Act(STORED, "CT_ONE", 1000.0, 0.01, "1.2.1"),
    Act(STORED, "CT_ONE", 1001.0, 0.02, "1.2.2"),
    Act(SEARCHED, "rosa", 1002.0, 0.05),
    Act(METADATA, "rosa", 1003.0, 0.05, "1.2"),
    Act(FRAME, "rosa", 1004.0, 0.03, "1.2", 100),
]
KEPT: dict[str, Any] = {
    "uids": ["1.2.1", "1.2.2", "1.9"],
    "stored": 2,
    "listed": 1,
    "viewed": [["rosa", "1.2", 1003.02]],
}


def test_an_archive_that_has_everything_is_believed() -> None:
    visits.require_kept(ACTS, KEPT)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"uids": ["1.2.1"]}, "answered Success have no row"),
        ({"stored": 1}, "2 objects were stored, and 1 stand in the record"),
        ({"listed": 0}, "1 searches were answered, and 0"),
        ({"viewed": []}, "no row in the record says so"),
        ({"viewed": [["ruth", "1.2", 1003.02]]}, "no row in the record says so"),
        ({"viewed": [["rosa", "1.3", 1003.02]]}, "no row in the record says so"),
        ({"viewed": [["rosa", "1.2", 1003.02 - 310]]}, "no row in the record says so"),
        ({"viewed": [["rosa", "1.2", 1010.0]]}, "no row in the record says so"),
    ],
)
def test_a_missing_row_makes_it_refuse(missing: dict[str, Any], words: str) -> None:
    with pytest.raises(promises.Broken, match=words):
        visits.require_kept(ACTS, {**KEPT, **missing})


def test_one_row_of_a_view_holds_for_five_minutes_and_the_next_needs_another() -> None:
    later = [*ACTS, Act(FRAME, "rosa", 1600.0, 0.03, "1.2", 100)]
    with pytest.raises(promises.Broken):
        visits.require_kept(later, KEPT)
    visits.require_kept(later, {**KEPT, "viewed": [["rosa", "1.2", 1500.0], ["rosa", "1.2", 1003.02]]})


def test_what_failed_owes_nothing_and_is_counted_as_an_error() -> None:
    failed = [*ACTS, Act(STORED, "CT_ONE", 1005.0, 0.5, "1.2.3", wrong="refused")]
    visits.require_kept(failed, KEPT)
    stored = visits.figures(failed, 10.0)[0]
    assert (stored.count, stored.errors, stored.rate) == (2, 1, 0.2)
    assert not mixed.met(visits.figures(failed, 10.0), [])
    assert mixed.met(visits.figures(ACTS, 10.0), [])


def test_nothing_is_printed_or_kept_once_a_promise_was_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(seconds: float, studies: int) -> Any:
        visits.require_kept(ACTS, {**KEPT, "viewed": []})

    monkeypatch.setattr(mixed, "traffic", broken)
    monkeypatch.setattr(mixed, "RESULTS", tmp_path)
    monkeypatch.setattr(mixed, "PROGRAMS", ())
    assert mixed.main(["--minutes", "1"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("Nothing is printed:")
    assert not list(tmp_path.iterdir())


def test_a_kind_of_which_nothing_succeeded_has_no_figures() -> None:
    with pytest.raises(ValueError, match="QIDO-RS succeeded: nobody tried"):
        visits.figures([act for act in ACTS if act.kind != SEARCHED], 10.0)


def test_acts_are_read_back_as_they_were_written_in_the_order_of_their_beginnings(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    for file, acts in zip(files, (ACTS[1::2], ACTS[::2]), strict=True):
        file.write_text("".join(map(visits.line, acts)))
    assert visits.read(files) == ACTS


def test_the_slowest_are_told_window_by_window() -> None:
    acts = [Act(FRAME, "rosa", 100.0 + at, at, "1.2") for at in range(20)]
    assert visits.slowest(acts, 100.0, 10.0)[FRAME] == [(5.0, 9000), (15.0, 19000)]


def _samples(grown: float) -> list[Sample]:
    """Ten minutes of a process that is filled for two, then grows so many MB a minute; another ends after five."""
    found = []
    for number in range(121):
        at = 5.0 * number
        memory = {"web 1": 100 + min(at, 120) + grown * max(0.0, at - 120) / 60}
        if at < 300:
            memory["decoder 2"] = 30 + at
        found.append(Sample(at, memory, number % 3, 1))
    return found


@pytest.mark.parametrize(("grown", "flat"), [(0.0, True), (0.4, True), (0.6, False), (-5.0, True)])
def test_memory_is_flat_below_half_a_mb_a_minute_once_warm(grown: float, flat: bool) -> None:
    found = {one.process: one for one in watching.judged(_samples(grown), 120.0)}
    assert found["web 1"].slope == pytest.approx(grown)
    assert found["web 1"].flat is flat
    assert found["decoder 2"].flat is None
    assert found[ALL].flat is None
    assert mixed.met(visits.figures(ACTS, 10.0), list(found.values())) is flat


def test_a_short_run_warms_up_for_a_part_of_it() -> None:
    assert mixed.warm(600) == 120
    assert mixed.warm(60) == pytest.approx(18)


def test_what_is_kept_has_the_figures_and_is_drawn(tmp_path: Path) -> None:
    kept = json.loads(json.dumps(mixed.entry(ACTS, _samples(0.1), 600.0, "there.png")))
    assert kept["met"] is True
    assert (kept["errors"], kept["queue"]["most"]) == (0, 2)
    assert [one["count"] for one in kept["kinds"]] == [2, 1, 1, 1]
    words = mixed.table(kept)
    assert "| web 1 | 220.0 | 220.8 | +0.10 | yes |" in words
    mixed.drawn(tmp_path / "there.png", ACTS, _samples(0.1), 600.0)
    assert (tmp_path / "there.png").read_bytes().startswith(b"\x89PNG")


def test_a_process_is_named_for_what_it_does() -> None:
    assert watching.role(b"/x/bin/python\0/x/manage.py\0serve\0dimse\0") == "dimse"
    assert watching.role(b"/x/bin/python\0-m\0archive.rendering.decoder\0") == "decoder"
    assert watching.role(b"/x/bin/granian\0--port\x001\0") == "web"
    assert watching.role(b"/x/bin/python\0/x/manage.py\0serve\0all\0") == "supervisor"
    assert watching.role(b"/x/bin/python\0-I\0-c\0import sys\0") == "decoder"
    assert watching.role(b"") == "ended"
    assert watching.memory(os.getpid())


def test_the_queue_is_what_is_due_or_worked_on_and_what_is_due_later_stands_beside_it(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "index.sqlite3")) as rows:
        rows.execute("CREATE TABLE archive_job (state, due_at)")
        assert watching.queue(tmp_path / "index.sqlite3") == (0, 0)
        past, future = "2020-01-01 00:00:00", "2999-01-01 00:00:00"
        jobs = [("due", past), ("claimed", past), ("claimed", future), ("due", future), ("done", past)]
        rows.executemany("INSERT INTO archive_job VALUES (?, ?)", jobs)
        rows.commit()
    assert watching.queue(tmp_path / "index.sqlite3") == (3, 1)
