"""One search, run: candidates are read in order, opened, checked, paged, and on record before they are returned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

from accounts import gate
from accounts.gate import SearchReceipt
from archive import keys
from archive.models import Series, Study
from archive.query.checks import Check
from archive.query.criteria import LIMIT, Page
from archive.query.opened import Cells

MOST_OPENED = 500
"""Candidates that one search opens at most, in vain or not; then it says that it stopped, and where."""

_BATCH = 100

M = TypeVar("M", bound=Model)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Level(Generic[M, R]):
    """What is searched: the rows in scope in their order, and how one row is opened and belongs to a study."""

    rows: "QuerySet[M]"
    study: Callable[[M], Study]
    series: Callable[[M], Series | None]
    opened: Callable[[Cells, M], R]


@dataclass(frozen=True, slots=True)
class Answer(Generic[M, R]):
    """The page as opened, and whether more may follow.

    `last` is the row behind which the next page begins, as it stands in the index: that of the last match shown, or of
    the last candidate looked at where others are left (`scanned_out`).
    """

    rows: tuple[R, ...]
    last: M | None
    more: bool
    scanned_out: bool


def run(receipt: SearchReceipt, level: Level[M, R], checks: tuple[Check, ...], page: Page) -> Answer[M, R]:
    """Answer one page. The record of what it lists is durable when this returns; LogUnavailable is raised instead."""
    limit = max(0, min(page.limit, LIMIT))
    left: M | None = None
    if checks:
        found, cells_of, left = _checked(receipt, level, checks, page.offset, limit)
    else:
        found, cells_of = list(level.rows[page.offset : page.offset + limit + 1]), {}
    shown, more = found[:limit], len(found) > limit
    if not cells_of and shown:
        cells = _cells(receipt, level, shown)
        cells_of = dict.fromkeys(range(len(shown)), cells)
    rows = tuple(level.opened(cells_of[number], row) for number, row in enumerate(shown))
    gate.listed(receipt, list(dict.fromkeys(level.study(row).uid for row in shown)))
    last = left or (shown[-1] if shown else None)
    return Answer(rows, last, more, left is not None)


def _checked(
    receipt: SearchReceipt, level: Level[M, R], checks: tuple[Check, ...], offset: int, limit: int
) -> tuple[list[M], dict[int, Cells], M | None]:
    """Rows that pass every check, one more than asked if there is one; their cells; the last seen if others are left.

    A match that is skipped was opened like any other: who skips far finds nothing, and hears that some were left.
    """
    found: list[M] = []
    opened: dict[int, Cells] = {}
    last: M | None = None
    skipped = 0
    for row, cells in _candidates(receipt, level):
        if row is None:
            return found, opened, last
        last = row
        if not all(check(cells, level.study(row), level.series(row)) for check in checks):
            continue
        if skipped < offset:
            skipped += 1
            continue
        opened[len(found)] = cells
        found.append(row)
        if len(found) > limit:
            break
    return found, opened, None


def _candidates(receipt: SearchReceipt, level: Level[M, R]) -> Iterator[tuple[M | None, Cells]]:
    """As many candidates as may be opened, in order, each with what opens it; a None at the end: some are left."""
    read = 0
    seen: set[object] = set()
    cells = Cells(keys.unlock_listed(receipt, []))
    while len(seen) < MOST_OPENED:
        size = min(_BATCH, MOST_OPENED - len(seen))
        batch = list(level.rows[read : read + size])
        if batch:
            cells = _cells(receipt, level, batch)
        for row in batch:
            # A study that arrives between two batches moves what follows it; nobody is shown twice.
            if row.pk not in seen:
                seen.add(row.pk)
                yield row, cells
        if len(batch) < size:
            return
        read += size
    if level.rows[read : read + 1]:
        yield None, cells


def _cells(receipt: SearchReceipt, level: Level[M, R], rows: list[M]) -> Cells:
    return Cells(keys.unlock_listed(receipt, {level.study(row).uid for row in rows}))
