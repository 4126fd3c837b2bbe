"""A rebuild that was killed at any instant goes on when it is given again, and ends where it would have ended."""

from collections.abc import Callable
from typing import Any

import pytest

from archive.models import Study
from tests.archive.rebuilding.conftest import Filled, work
from tests.archive.rebuilding.reading import index
from tests.archive.tending.conftest import Archive, check

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize(
    ("at", "when", "nth"),
    [
        ("archive.rebuilding.finding._pack", "after", 3),
        ("archive.rebuilding.adopting._write", "after", 1),
        ("archive.rebuilding.adopting._commit", "before", 2),
        ("archive.rebuilding.adopting._commit", "after", 2),
        ("archive.rebuilding.derived._named", "after", 2),
    ],
)
@pytest.mark.one_database
def test_what_was_cut_off_is_taken_up_again(
    filled: Filled, elsewhere: Callable[[], Archive], at: str, when: str, nth: int
) -> None:
    place = elsewhere()
    place.killed(at, when, nth, "check", "--rebuild")
    halfway = Study.objects.count()
    done = place.command("check", "--rebuild", "--json")
    assert done.returncode == 0, done.stderr
    assert Study.objects.count() >= halfway
    work()
    now: dict[str, dict[Any, Any]] = index()
    for table, rows in filled.was.items():
        assert now[table] == rows, table
    assert check().whole
