"""A walk along the log, row by row in order, that says what is wrong with each. Constant memory; writes nothing.

It goes on after a finding, from what is stored there, so that one edit is one finding and not a thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit import rows, tables
from audit.rows import GENESIS, VERSION, Row
from audit.tree import Frontier


class Wrong(StrEnum):
    """What kind of trouble a finding is; the exit code of a verification follows from it."""

    EDITED = "edited"
    CUT = "cut"
    SIGNATURE = "signature"
    CLOCK = "clock"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with the number of the row at which it shows."""

    wrong: Wrong
    log: int
    seq: int
    text: str


@dataclass(slots=True)
class Walk:
    """Where the walk stands: after row `seq`; `sound` until a leaf of the tree is in doubt.

    `previous` are the hashes that the next row may be chained to: one as a rule; two after a row whose hash is not what
    it should be, because either may be what the next one followed; none after a gap, where any is taken.
    """

    log: int
    frontier: Frontier
    seq: int = 0
    previous: tuple[bytes, ...] = (GENESIS,)
    time_us: int = 0
    sound: bool = True

    def step(self, stored: Sequence[Any], listed: Sequence[tuple[int, str]]) -> list[Finding]:
        """Take the next stored row with its listed studies; return what is wrong with it."""
        at = stored[1]
        if not isinstance(at, int):
            return self._edited(self.seq + 1, f"a row behind row {self.seq} was edited: it has no number")
        if at <= self.seq:
            return self._edited(at, f"row {at} stands twice")
        found = self._gap(at)
        try:
            row, leaf, chained = tables.decode(stored)
        except tables.Unreadable:
            found += self._edited(at, f"row {at} was edited: it cannot be read")
            self.seq, self.previous = at, ()
            return found
        found += self._check(row, leaf, chained, listed)
        return found

    def _gap(self, at: int) -> list[Finding]:
        """Rows between the last one and this one are gone."""
        first, last = self.seq + 1, at - 1
        if last < first:
            return []
        self.seq, self.previous = last, ()
        which = f"row {first} is" if first == last else f"rows {first} to {last} are"
        return self._edited(first, f"{which} missing")

    def _check(self, row: Row, leaf: bytes, chained: bytes, listed: Sequence[tuple[int, str]]) -> list[Finding]:
        found: list[Finding] = []
        uids = tuple(uid for _, uid in listed)
        if row.version != VERSION or [position for position, _ in listed] != list(range(len(listed))):
            found += self._edited(row.seq, f"row {row.seq} was edited: its version or listed studies are impossible")
        elif not _leaf_is(leaf, row, uids):
            found += self._edited(row.seq, f"row {row.seq} was edited: its leaf does not match its columns")
        expected = tuple(rows.row_hash(previous, row.seq, leaf) for previous in self.previous)
        self.previous = (chained,)
        if expected and chained not in expected:
            found += self._edited(
                row.seq,
                f"row {row.seq} does not follow row {row.seq - 1}: it was inserted, moved or rewritten, "
                "or the one before was",
            )
            self.previous = (chained, *expected)
        if row.time_us < self.time_us:
            text = f"row {row.seq} was written before row {row.seq - 1} by its time"
            found.append(Finding(Wrong.CLOCK, self.log, row.seq, text))
        self.seq, self.time_us = row.seq, row.time_us
        self.frontier.append(leaf)
        return found

    def _edited(self, seq: int, text: str) -> list[Finding]:
        self.sound = False
        return [Finding(Wrong.EDITED, self.log, seq, text)]


def _leaf_is(leaf: bytes, row: Row, listed: tuple[str, ...]) -> bool:
    try:
        return rows.leaf_hash(row, listed) == leaf
    except (TypeError, ValueError):
        return False
