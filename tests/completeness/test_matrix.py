"""Each row of the matrix is really asked, at the real door, and the record then holds its events and nothing more."""

import time
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


@pytest.mark.timeout(300)
def test_every_row_leaves_exactly_its_events(house: House) -> None:
    wrong = [told for row in (*matrix.FIRST, *matrix.ROWS, *matrix.LAST) if (told := house.differs(row))]
    if wrong:
        pytest.fail("\n".join(wrong))


UNREACHED = Path(__file__).with_name("unreached.txt")


@pytest.mark.timeout(600)
def test_without_any_one_call_that_writes_a_row_of_the_matrix_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sites.sites()
    rows, unnoticed = dict[sites.Site, list[tuple[float, Row]]](), list[str]()
    for part in (matrix.FIRST, matrix.ROWS, matrix.LAST):
        reached: dict[sites.Site, list[tuple[float, Row]]] = {}
        for row in (row for row in part if not row.once):
            begun, written = time.perf_counter(), set[sites.Site]()
            assert house.differs(row, sites.watched(known, written, monkeypatch)) == ""
            for site in written:
                reached.setdefault(site, []).append((time.perf_counter() - begun, row))
        unnoticed += [str(site) for site, passing in reached.items() if not _noticed(house, site, passing, monkeypatch)]
        rows |= reached
    assert not unnoticed
    # What no row comes by is written down, with its test (`test_rooms`): a new call needs one of both, and one that got
    # a row leaves.
    named = sites.named(known)
    unreached, debt = {named[site] for site in known if site not in rows}, set(UNREACHED.read_text("utf-8").split())
    told = [
        *(f"no row: {one}" for one in sorted(unreached - debt)),
        *(f"paid: {one}" for one in sorted(debt - unreached)),
    ]
    if told:
        pytest.fail("\n".join(told))


def _noticed(house: House, site: sites.Site, passing: list[tuple[float, Row]], patch: pytest.MonkeyPatch) -> bool:
    """Whether some row fails without this call, the quickest first, and does not with it, as it did not before."""
    for _, row in sorted(passing, key=lambda one: one[0]):
        if house.differs(row, sites.disabled(site, patch)):
            assert house.differs(row) == ""
            return True
    return False
