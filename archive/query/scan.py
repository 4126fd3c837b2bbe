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
"""Candidates that one search opens in vain at most; then it says that it stopped."""

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
    """The page as opened, the last row of it as it stands in the index, and whether more may follow."""

    rows: tuple[R, ...]
    last: M | None
    more: bool
    scanned_out: bool


def run(receipt: SearchReceipt, level: Level[M, R], checks: tuple[Check, ...], page: Page) -> Answer[M, R]:
    """Answer one page. The record of what it lists is durable when this returns; LogUnavailable is raised instead."""
    limit = max(0, min(page.limit, LIMIT))
    if checks:
        found, cells_of, scanned_out = _checked(receipt, level, checks, page.offset, limit)
    else:
        found = list(level.rows[page.offset : page.offset + limit + 1])
        cells_of, scanned_out = {}, False
    shown, more = found[:limit], len(found) > limit
    if not cells_of and shown:
        cells = _cells(receipt, level, shown)
        cells_of = dict.fromkeys(range(len(shown)), cells)
    rows = tuple(level.opened(cells_of[number], row) for number, row in enumerate(shown))
    gate.listed(receipt, list(dict.fromkeys(level.study(row).uid for row in shown)))
    return Answer(rows, shown[-1] if shown else None, more, scanned_out and not more)


def _checked(
    receipt: SearchReceipt, level: Level[M, R], checks: tuple[Check, ...], offset: int, limit: int
) -> tuple[list[M], dict[int, Cells], bool]:
    """Rows that pass every check, one more than asked if there is one; their cells; whether candidates are left."""
    found: list[M] = []
    opened: dict[int, Cells] = {}
    skipped = 0
    for row, cells in _matching(receipt, level, checks):
        if row is None:
            return found, opened, True
        if skipped < offset:
            skipped += 1
            continue
        opened[len(found)] = cells
        found.append(row)
        if len(found) > limit:
            break
    return found, opened, False


def _matching(
    receipt: SearchReceipt, level: Level[M, R], checks: tuple[Check, ...]
) -> Iterator[tuple[M | None, Cells]]:
    """Candidates that pass every check, in order, with what opens them; a None at the end says that more were left."""
    read = vain = 0
    seen: set[object] = set()
    cells = Cells(keys.unlock_listed(receipt, []))
    while vain < MOST_OPENED:
        size = min(_BATCH, MOST_OPENED - vain)
        batch = list(level.rows[read : read + size])
        if batch:
            cells = _cells(receipt, level, batch)
        for row in batch:
            # A study that arrives between two batches moves what follows it; nobody is shown twice.
            if row.pk in seen:
                continue
            seen.add(row.pk)
            if all(check(cells, level.study(row), level.series(row)) for check in checks):
                yield row, cells
            else:
                vain += 1
        if len(batch) < size:
            return
        read += size
    if level.rows[read : read + 1]:
        yield None, cells


def _cells(receipt: SearchReceipt, level: Level[M, R], rows: list[M]) -> Cells:
    return Cells(keys.unlock_listed(receipt, {level.study(row).uid for row in rows}))
