"""Is the log what it was? Recomputes every row, every link, the tree, and compares with what was signed and kept away.

Streams over rows, checkpoints and anchors side by side in constant memory, and changes nothing.
"""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from django.db import connection

from audit import anchors, checkpoints, openings, tables
from audit.anchors import Place
from audit.models import Checkpoint
from audit.openings import Opening
from audit.tree import Frontier
from audit.walk import Finding, Walk, Wrong
from vault.errors import Tampered
from vault.notes import Checkpoint as SignedHead

EXIT = {Wrong.EDITED: 1, Wrong.CUT: 2, Wrong.SIGNATURE: 3, Wrong.CLOCK: 3, Wrong.RESTORED: 4}
MOST_FINDINGS = 50
AHEAD_SECONDS = 300
_TABLE = "the table"


@dataclass(slots=True)
class Report:
    """What a verification saw: how many rows and signed heads, and what is wrong, in the order of the rows."""

    rows: int = 0
    signed: int = 0
    anchors: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def code(self) -> int:
        """0 intact, 1 edited, 2 cut or rolled back, 3 signature or clock, 4 restored: the gravest that was found."""
        return min((EXIT[finding.wrong] for finding in self.findings), default=0)

    def add(self, finding: Finding) -> None:
        """Keep a finding; of very many, the first ones and their number."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)
        else:
            self.more += 1


class Mark(NamedTuple):
    """A signed head as somebody holds it; without a root where it does not verify."""

    size: int
    place: str
    root: bytes | None
    frontier: bytes | None = None


def run(places: Sequence[Place] | None = None) -> Report:
    """Verify all logs of this database against its checkpoints and the anchors (those of PACS_ANCHORS unless given).

    Raises AnchorError where an anchor is misnamed, DatabaseError and KeystoreError where something cannot be read.
    """
    report = Report()
    held = list(anchors.places() if places is None else places)
    report.anchors = [str(place) for place in held]
    # What was signed is collected before the end of the log is looked up, so that rows written meanwhile do no harm.
    sources = {log: _sources(log, held) for log in _logs(held)}
    opened = openings.openings()
    for log, marks in sources.items():
        _verify_log(report, log, marks(), _ending(opened, log))
    _orphans(report)
    return report


def _logs(held: list[Place]) -> list[int]:
    """Every log that the table has, the checkpoints sign, or an anchor knows."""
    found = {1, *tables.logs(), *Checkpoint.objects.values_list("log", flat=True).distinct()}
    return sorted(found.union(openings.logs_at(held)))


def _ending(opened: list[Opening], log: int) -> Opening | None:
    """What a later log says of the end of this one, be it that it is lost altogether."""
    return next((one for one in opened if one.kept == log or log in one.lost), None)


def _verify_log(report: Report, log: int, marks: Iterator[Mark], ending: Opening | None) -> None:
    walk = Walk(log, Frontier())
    groups = groupby(marks, key=lambda mark: mark.size)
    due = next(groups, None)
    matched = 0
    for stored, listed in tables.rows(log):
        while due is not None and due[0] <= walk.seq:
            matched = _compare(report, walk, list(due[1]), matched, ending)
            due = next(groups, None)
        for finding in walk.step(stored, listed):
            report.add(finding)
        report.rows += 1
    while due is not None and due[0] <= walk.seq:
        matched = _compare(report, walk, list(due[1]), matched, ending)
        due = next(groups, None)
    beyond = [] if due is None else [mark for group in ([due], groups) for _, some in group for mark in some]
    if ending is not None and walk.seq == (ending.rows if ending.kept == log else 0):
        _restored(report, walk, beyond, ending)
    elif beyond:
        _beyond(report, walk, beyond)
    if walk.time_us > (time.time() + AHEAD_SECONDS) * 1_000_000:
        report.add(Finding(Wrong.CLOCK, log, walk.seq, f"row {walk.seq} was written in the future by its time"))


def _compare(report: Report, walk: Walk, marks: list[Mark], matched: int, ending: Opening | None) -> int:
    """Compare the tree at this size with everything signed for it; return the last size that was right."""
    size = marks[0].size
    _count(report, walk, marks)
    good = [mark for mark in marks if mark.root is not None]
    in_table = any(mark.place == _TABLE for mark in marks)
    # A backup may end between a row and the checkpoint of it; that the row is the one signed is compared below.
    if good and not in_table and ending is None:
        text = f"the checkpoint of {size} rows at {good[0].place} is not in the table: an older copy was restored"
        report.add(Finding(Wrong.CUT, walk.log, size, text))
    if not walk.sound or walk.frontier.size != size:
        return matched
    return _compare_roots(report, walk, good, matched, in_table=in_table)


def _compare_roots(report: Report, walk: Walk, good: list[Mark], matched: int, *, in_table: bool) -> int:
    size, root = walk.frontier.size, walk.frontier.root()
    wrong = [mark for mark in good if mark.root != root]
    if wrong and in_table:
        text = (
            f"a row from {matched + 1} to {size} was edited, inserted or removed and the chain recomputed: "
            f"{wrong[0].place} has signed another tree"
        )
        report.add(Finding(Wrong.EDITED, walk.log, matched + 1, text))
    elif wrong:
        text = f"rows {matched + 1} to {size} are not those that {wrong[0].place} knows: the log was rolled back"
        report.add(Finding(Wrong.CUT, walk.log, matched + 1, text))
    if any(mark.frontier is not None and mark.frontier != walk.frontier.encode() for mark in good):
        report.add(Finding(Wrong.EDITED, walk.log, size, f"the checkpoint of {size} rows was edited in the table"))
    return matched if wrong else size


def _beyond(report: Report, walk: Walk, marks: list[Mark]) -> None:
    """Heads that were signed for more rows than there are."""
    last = _count(report, walk, marks)
    if last is not None:
        text = f"{last.size} rows were signed ({last.place}), but the log ends at row {walk.seq}: its tail was cut"
        report.add(Finding(Wrong.CUT, walk.log, walk.seq + 1, text))


def _restored(report: Report, walk: Walk, marks: list[Mark], ending: Opening) -> None:
    """A log that a restored backup ended, as the first event of the next one says: what is lost is told, as far as
    it was signed."""
    last = _count(report, walk, marks)
    text = f"the archive was restored on {ending.at:%Y-%m-%d %H:%M} UTC from a backup that ends at row {walk.seq}"
    if last is not None:
        text += f": rows {walk.seq + 1} to {last.size}, which were signed ({last.place}), are lost"
    report.add(Finding(Wrong.RESTORED, walk.log, walk.seq, f"{text}; log {ending.log} goes on from there"))


def _count(report: Report, walk: Walk, marks: list[Mark]) -> Mark | None:
    """Count signed heads and tell of each that does not verify; return the largest that does."""
    report.signed += len(marks)
    for mark in marks:
        if mark.root is None:
            text = f"the checkpoint of {mark.size} rows at {mark.place} does not verify"
            report.add(Finding(Wrong.SIGNATURE, walk.log, mark.size, text))
    return max((mark for mark in marks if mark.root is not None), key=lambda mark: mark.size, default=None)


def _orphans(report: Report) -> None:
    """Listed studies of rows that do not exist hang on nothing that is hashed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT log, seq FROM audit_listed WHERE NOT EXISTS (SELECT 1 FROM audit_event "
            "WHERE audit_event.log = audit_listed.log AND audit_event.seq = audit_listed.seq) LIMIT 1"
        )
        found = cursor.fetchone()
    if found:
        log, seq = (value if isinstance(value, int) else 0 for value in found)
        report.add(Finding(Wrong.EDITED, log, seq, f"studies are listed for row {seq}, which does not exist"))


def _sources(log: int, held: list[Place]) -> Callable[[], Iterator[Mark]]:
    """Everything signed of a log up to now, by size. Opened late, but bounded by what is there now."""
    newest = Checkpoint.objects.filter(log=log).order_by("-id").values_list("id", flat=True).first() or 0
    extents = {place: place.extent(checkpoints.origin(log)) for place in held}
    return lambda: heapq.merge(
        _from_table(log, newest),
        *(_from_anchor(log, place, extent) for place, extent in extents.items()),
        key=lambda mark: mark.size,
    )


def _from_table(log: int, newest: int) -> Iterator[Mark]:
    after, read = -1, checkpoints.reader(log)
    while page := list(Checkpoint.objects.filter(log=log, id__lte=newest, size__gt=after).order_by("size")[:500]):
        for row in page:
            mark = _mark(read, row.note, _TABLE)
            sound = mark is not None and mark.size == row.size
            yield Mark(row.size, _TABLE, mark.root if mark and sound else None, bytes(row.frontier))
        after = page[-1].size


def _from_anchor(log: int, place: Place, extent: int) -> Iterator[Mark]:
    """The notes of an anchor; one that does not verify counts at the size of the one before it."""
    before, read = 0, checkpoints.reader(log)
    for note in place.notes(checkpoints.origin(log), extent):
        mark = _mark(read, note, str(place))
        sound = mark is not None and mark.size >= before
        before = mark.size if mark and sound else before
        yield mark if mark and sound else Mark(before, str(place), None)


def _mark(read: Callable[[str], SignedHead], note: str, place: str) -> Mark | None:
    try:
        signed = read(note)
    except Tampered:
        return None
    return Mark(signed.size, place, signed.root)
