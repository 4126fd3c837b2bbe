"""Each row of the matrix is really asked, at the real door, and the record then holds its events and nothing more."""

from pathlib import Path
from typing import Any

import pytest

from tests.completeness import matrix, sites
from tests.completeness.asking import House
from tests.completeness.rows import Row


@pytest.fixture
def house(installation: Any, modality: Any) -> Any:
    with House.open() as opened:
        yield opened


def test_every_row_leaves_exactly_its_events(house: House) -> None:
    wrong = [told for row in (*matrix.ROWS, *matrix.FIRST) if (told := house.differs(row))]
    if wrong:
        pytest.fail("\n".join(wrong))


UNREACHED = Path(__file__).with_name("unreached.txt")


def test_without_any_one_call_that_writes_a_row_of_the_matrix_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sites.sites()
    rows, unnoticed = dict[sites.Site, list[Row]](), list[str]()
    for part in (matrix.ROWS, matrix.FIRST):
        reached: dict[sites.Site, list[Row]] = {}
        for row in (row for row in part if not row.once):
            assert house.differs(row) == ""
            with sites.watched(known, monkeypatch) as written:
                assert house.differs(row) == ""
            for site in written:
                reached.setdefault(site, []).append(row)
        for site, passing in reached.items():
            with sites.disabled(site, monkeypatch):
                # Each was just asked twice with the same events, so that only the disabled call can be why.
                if not any(house.differs(row) for row in passing):
                    unnoticed.append(str(site))
        rows |= reached
    assert not unnoticed
    # What no row comes by yet is a debt written down: a call that is new needs a row, and one that got a row leaves.
    named = sites.named(known)
    unreached, debt = {named[site] for site in known if site not in rows}, set(UNREACHED.read_text("utf-8").split())
    told = [
        *(f"no row: {one}" for one in sorted(unreached - debt)),
        *(f"paid: {one}" for one in sorted(debt - unreached)),
    ]
    if told:
        pytest.fail("\n".join(told))
