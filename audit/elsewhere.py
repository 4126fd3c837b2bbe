"""The record as a backup carries it: walked row by row like the one in the database, without being in one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from audit import tables
from audit.tree import Frontier
from audit.walk import Finding, Walk, Wrong

Told = Mapping[str, Any]


class Signed(NamedTuple):
    """A checkpoint as the table had it."""

    log: int
    size: int
    note: str
    frontier: bytes


def check(events: Iterable[Told], listed: Iterable[Told], signed: Iterable[Signed]) -> tuple[int, list[Finding]]:
    """How many events there are, and what is wrong with them: each row, each link, each signed frontier.

    All three come in the order of (log, seq), (log, seq, position) and (log, size).
    """
    shown, marks = _Shown(listed), iter(signed)
    due = next(marks, None)
    walk: Walk | None = None
    count, found = 0, list[Finding]()
    for event in events:
        if walk is None or walk.log != event["log"]:
            walk = Walk(int(event["log"]), Frontier())
        at = (walk.log, int(event["seq"]))
        found += walk.step([event[name] for name in tables.STORED], shown.of(at))
        count += 1
        while due is not None and (due.log, due.size) <= at:
            if (due.log, due.size) == at and walk.sound and due.frontier != walk.frontier.encode():
                found.append(Finding(Wrong.EDITED, *at, f"the checkpoint of {due.size} rows is of other rows"))
            due = next(marks, None)
    if due is not None:
        found.append(Finding(Wrong.CUT, due.log, due.size, f"{due.size} rows were signed, and there are fewer"))
    return count, found


class _Shown:
    """The listed studies of each event, from rows in the same order."""

    def __init__(self, rows: Iterable[Told]) -> None:
        self._rows: Iterator[Told] = iter(rows)
        self._next = next(self._rows, None)

    def of(self, at: tuple[int, int]) -> list[tuple[int, str]]:
        found = []
        while self._next is not None and (self._next["log"], self._next["seq"]) <= at:
            if (self._next["log"], self._next["seq"]) == at:
                found.append((self._next["position"], self._next["study_uid"]))
            self._next = next(self._rows, None)
        return found
