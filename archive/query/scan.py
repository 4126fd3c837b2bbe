"""One search, run: candidates are read in order, opened, checked, paged, and on record before they are returned."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from accounts import gate
from accounts.gate import SearchReceipt
from archive import keys
from archive.models import Series, Study
from archive.query import clear
from archive.query.checks import Check
from archive.query.criteria import LIMIT, Page
from archive.query.listed import AnyStudy
from archive.query.opened import Cells

MOST_OPENED = 500
"""Candidates that one search opens at most, in vain or not; then it says that it stopped, and where."""

_BATCH = 100
_LARGEST = 250
_GROWING, _WIDEST = 4, 1000
"""Series or instances that are looked for together: as many as are wanted at first, then more; and studies at most."""

M = TypeVar("M")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Level(Generic[M, R]):
    """What is searched: the studies in scope that are walked, the newest first; the rows that match, of whatever study,
    in their order, and how they are read; and how one row is opened and belongs to a study. `links` lead to the study's
    id, each of them of another table, so that every index that begins with something asked can go on with the study;
    where there are none, each study is a row. `counted` is the column of a study that tells about how many rows it has.
    """

    walked: "QuerySet[Study]"
    rows: "QuerySet[Any]"
    read: "Callable[[QuerySet[Any]], list[M]]"
    links: tuple[str, ...]
    counted: str
    study: Callable[[M], AnyStudy]
    series: Callable[[M], Series | None]
    opened: Callable[[Cells, M], R]

    def of(self, studies: list[UUID]) -> "QuerySet[Any]":
        """The rows of these studies, in order."""
        return self.rows.filter(**{f"{link}__in": studies for link in self.links or ("id",)})


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
        found, cells_of = _unchecked(level, page.offset, limit + 1), {}
    shown, more = found[:limit], len(found) > limit
    if not cells_of and shown:
        cells = _cells(receipt, level, shown)
        cells_of = dict.fromkeys(range(len(shown)), cells)
    rows = tuple(level.opened(cells_of[number], row) for number, row in enumerate(shown))
    gate.listed(receipt, list(dict.fromkeys(level.study(row).uid for row in shown)))
    last = left or (shown[-1] if shown else None)
    return Answer(rows, last, more, left is not None)


def _unchecked(level: Level[M, R], offset: int, wanted: int) -> list[M]:
    """So many rows behind those that are skipped, which are counted and not read."""
    if not level.links:
        if not offset:
            return level.read(level.walked[:wanted])
        # What is skipped is counted in an index; with all its columns, each row would be read.
        studies = list(level.walked.values_list("id", flat=True)[offset : offset + wanted])
        return level.read(level.of(studies)) if studies else []
    found: list[M] = []
    for studies in _studies(level, offset + wanted):
        rows = level.of(studies)
        if offset and (count := rows.count()) <= offset:
            offset -= count
            continue
        found += level.read(rows[offset : offset + wanted - len(found)])
        offset = 0
        if len(found) >= wanted:
            break
    return found


def _studies(level: Level[M, R], wanted: int) -> Iterator[list[UUID]]:
    """The studies that are walked, each time from where the last ended: those that have about so many rows together,
    one at least, since it may have thousands; then those that have more."""
    place: str | None = None
    while True:
        size = min(wanted, _WIDEST)
        page = list(level.walked.filter(clear.after(place)).values_list("date", "uid", "id", level.counted)[:size])
        for some in _shared(page, wanted):
            yield [one for _, _, one, _ in some]
        if len(page) < size:
            return
        place = clear.place(*page[-1][:2])
        wanted *= _GROWING


def _shared(page: list[tuple[str, str, UUID, int]], wanted: int) -> Iterator[list[tuple[str, str, UUID, int]]]:
    """Studies one after another, so many together that they have about the rows that are wanted."""
    begin, rows = 0, 0
    for number, (*_, count) in enumerate(page, 1):
        rows += count
        if rows >= wanted or number == len(page):
            yield page[begin:number]
            begin, rows = number, 0


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
    for row, cells in _candidates(receipt, level, offset + limit + 1):
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


def _candidates(receipt: SearchReceipt, level: Level[M, R], wanted: int) -> Iterator[tuple[M | None, Cells]]:
    """As many candidates as may be opened, in order, each with what opens it; a None at the end: some are left."""
    read = 0
    size = min(max(_BATCH, wanted), _LARGEST, MOST_OPENED)
    cells = Cells(keys.unlock_listed(receipt, []))
    for batch in _batches(level, size):
        taken = batch[: MOST_OPENED - read]
        if taken:
            cells = _cells(receipt, level, taken)
        for row in taken:
            yield row, cells
        read += len(taken)
        if len(batch) > len(taken):
            yield None, cells
            return


def _batches(level: Level[M, R], wanted: int) -> Iterator[list[M]]:
    """Rows in their order, some at a time: one more in all than may be opened."""
    left, place = MOST_OPENED + 1, None
    if level.links:
        for studies in _studies(level, wanted):
            yield (batch := level.read(level.of(studies)[:left]))
            left -= len(batch)
            if not left:
                return
        return
    while left:
        size = min(wanted, left)
        yield (batch := level.read(level.walked.filter(clear.after(place))[:size]))
        left -= len(batch)
        if len(batch) < size:
            return
        last = level.study(batch[-1])
        place = clear.place(last.date, last.uid)


def _cells(receipt: SearchReceipt, level: Level[M, R], rows: list[M]) -> Cells:
    studies = {study.id: study for study in map(level.study, rows)}.values()
    opener = keys.unlock_listed(
        receipt, [study.uid for study in studies], {study.patient.pseudonym for study in studies}
    )
    return Cells(opener, _phrases(studies, filter(None, map(level.series, rows))))


def _phrases(studies: Iterable[AnyStudy], series: Iterable[Series]) -> Iterator[UUID]:
    """The dictionary rows that these rows name."""
    for study in studies:
        yield from filter(None, (study.description_id, study.referring_id))
    for one in series:
        yield from filter(None, (one.description_id, one.performing_id))
