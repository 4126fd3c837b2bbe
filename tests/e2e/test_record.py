"""The record as an operator checks it: clean, and after one row is edited with the triggers dropped, named."""

import sqlite3

import pytest

from tests import builders
from tests.e2e.conftest import Login
from tests.e2e.running import Archive, wait_for
from tests.e2e.traffic import FRAMES, execute, frame_url, stow

pytestmark = pytest.mark.slow
EDIT = "UPDATE audit_event SET actor_name = 'somebody' WHERE seq = 3"


def test_an_edited_row_is_named(archive: Archive, logins: dict[str, Login]) -> None:
    study = builders.study(3)
    assert stow(archive.session(logins["tom"].token), archive, study).status_code == 200
    reader = archive.session(logins["rosa"].token)
    for ds in study:
        assert reader.get(frame_url(archive, ds), headers={"Accept": FRAMES}, timeout=30).status_code == 200
    assert archive.manage("audit", "verify").returncode == 0

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        execute(archive, EDIT)
    execute(archive, "DROP TRIGGER audit_event_no_update")
    execute(archive, EDIT)

    verdict = archive.manage("audit", "verify", check=False)
    assert verdict.returncode == 1
    assert "row 3" in verdict.stdout + verdict.stderr


def test_ten_of_many_slices_are_logged_as_ten(archive: Archive, logins: dict[str, Login]) -> None:
    study = builders.study(30)
    assert stow(archive.session(logins["tom"].token), archive, study).status_code == 200
    reader = archive.session(logins["rosa"].token)
    for ds in study[:10]:
        headers = {"Accept": FRAMES, "Custos-Use": "displayed"}
        assert reader.get(frame_url(archive, ds), headers=headers, timeout=30).status_code == 200

    def delivered() -> list[str]:
        lines = archive.manage("audit", "export", "--csv").stdout.splitlines()
        return [line for line in lines if "study:delivered" in line and study[0].StudyInstanceUID in line]

    rows = wait_for(delivered, 60, "the delivery in the log")
    header = archive.manage("audit", "export", "--csv").stdout.splitlines()[0].split(",")
    counts = [int(row.split(",")[header.index("count")].strip('"')) for row in rows]
    assert sum(counts) == 10
    views = [line for line in archive.manage("audit", "export", "--csv").stdout.splitlines() if "study:view" in line]
    assert len(views) == 1
