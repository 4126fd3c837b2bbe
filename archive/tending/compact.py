"""Copying what lives of packs that are mostly dead, or of many small ones, into new packs, byte for byte.

Nothing is opened, so nothing needs a receipt: a record that does not authenticate is copied as it is, with its finding.
Bytes first, flushed and read back; then the rows move in one transaction with the event, each only if it still lies
where it lay; the old packs go some minutes later (`archive.tending.discarding`). Cut off anywhere, the next compaction
goes on: copies that no row names yet are what a sweep removes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from accounts import gate, scope
from accounts.actors import Actor
from archive import stores, turn
from archive.appending import Writer
from archive.errors import Unavailable, Unsuitable
from archive.fixity import whereabouts
from archive.models import Job, Pack, Study
from archive.tending import copies, discarding, living, settled
from archive.tending.copies import Copy
from archive.tending.living import Choice, Contents
from audit.actions import Action

DEAD: Final = 30
BATCH_BYTES: Final = 64 << 20
BATCH_RECORDS: Final = 500
ATTEMPTS: Final = 4

Tell = Callable[["Compacted"], None]


class _Gone(Exception):
    """The study was destroyed while it was being copied: its key is gone, and the copies shall go, too."""


@dataclass(slots=True)
class Compacted:
    """What was done: studies and packs rewritten, objects moved, bytes copied, dead bytes that go with old packs.

    `broken` counts the packs that were left alone, since walking them does not lead to all that is named in them.
    """

    studies: int = 0
    packs: int = 0
    objects: int = 0
    bytes: int = 0
    dead: int = 0
    broken: int = 0


def run(actor: Actor, percent: int = DEAD, study_uids: Sequence[str] = (), *, tell: Tell) -> Compacted:
    """Compact every study, or those given, where at least `percent` of the bytes are dead or packs are many and small.

    Studies in the trash are left alone. Raises Forbidden, LogUnavailable, Unsuitable for a study that is not there or
    a database that was restored a short while ago, and Unavailable where the packs are away, the disk is nearly full or
    somebody else tends the packs.
    """
    gate.permit(actor, Action.COMPACTED)
    with turn.tending():
        whereabouts.require_present()
        settled.require()
        _require_known(actor, study_uids)
        report, lying = Compacted(), whereabouts.lying()
        for study in _studies(study_uids):
            if not scope.withdrawn(study.uid):
                _compact(actor, study, living.choose(study.id, lying, percent), report, tell)
    return report


def _require_known(actor: Actor, study_uids: Sequence[str]) -> None:
    known = set(Study.objects.filter(uid__in=study_uids).values_list("uid", flat=True))
    for uid in study_uids:
        if uid not in known or scope.withdrawn(uid):
            gate.missed(actor, Action.COMPACTED, subject=uid, study_uid=uid)
            raise Unsuitable("One of these studies is not in the archive, or it is in the trash.")


def _studies(study_uids: Sequence[str]) -> Iterator[Study]:
    """Every study, asked for one by one: nothing is held open while this lasts for hours."""
    rows = Study.objects.select_related("patient").order_by("id").filter(Q(uid__in=study_uids) if study_uids else Q())
    study = rows.first()
    while study is not None:
        yield study
        study = rows.filter(id__gt=study.id).first()


def _compact(actor: Actor, study: Study, choice: Choice, report: Compacted, tell: Tell) -> None:
    report.broken += choice.broken
    writer, before = Writer(), report.objects
    try:
        for batch in _batches(choice.worth):
            if not stores.store().has_room(sum(record.size for _, record in batch)):
                raise Unavailable("The archive is nearly full; nothing is copied until there is room.")
            made = copies.made(writer, study.id, batch)
            if made:
                _tried(partial(_moved, actor, study, made, report))
            tell(report)
    except _Gone:
        copies.drop(writer, study.id)
        return
    finally:
        writer.close()
    old = [*choice.worth, *_promised(actor, study, choice.empty)]
    report.studies += report.objects > before
    report.packs += len(old)
    report.dead += sum(one.dead for one in old)


def _batches(worth: Sequence[Contents]) -> Iterator[list[tuple[Pack, living.Record]]]:
    """The living records of packs, each with its pack, as many at a time as one flush and transaction take."""
    batch: list[tuple[Pack, living.Record]] = []
    size = 0
    for one in worth:
        for record in one.records:
            if batch and (len(batch) >= BATCH_RECORDS or size + record.size > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append((one.pack, record))
            size += record.size
    if batch:
        yield batch


def _tried(move: Callable[[], None]) -> None:
    """Do a transaction again where it only met another one, such as that of a newcomer being settled."""
    for _ in range(ATTEMPTS - 1):
        try:
            return move()
        except OperationalError:
            continue
    return move()


def _moved(actor: Actor, study: Study, made: Sequence[Copy], report: Compacted) -> None:
    """Let the index name the copies instead, where it still names what was copied. Raises _Gone."""
    olds = sorted({one.pack.name for one in made})
    with _change(actor, study, len(made)) as told:
        if Study.objects.select_for_update().filter(id=study.id).first() is None:
            raise _Gone
        news = {one.place.pack: one.place.name for one in made}
        now = timezone.now()
        rows = [Pack(id=pack, study=study.id, name=name, compacted_at=now) for pack, name in news.items()]
        Pack.objects.bulk_create(rows, ignore_conflicts=True)
        moved = [one for one in made if _move(one)]
        discarding.promise(olds)
        told |= {"packs": len(olds), "objects": len(moved), "bytes": sum(one.record.size for one in moved)}
    report.objects += len(moved)
    report.bytes += sum(one.record.size for one in moved)


def _move(one: Copy) -> bool:
    """Move one row, unless it was removed or lies elsewhere by now."""
    rows = one.record.model._default_manager.filter(id=one.record.id, pack=one.pack.id, offset=one.record.offset)
    return bool(rows.update(pack=one.place.pack, offset=one.place.offset))


def _promised(actor: Actor, study: Study, empty: Sequence[Contents]) -> list[Contents]:
    """Promise that packs go in which nothing is named at all; return those of which that was not promised yet."""
    due = Job.objects.filter(kind=discarding.JOB, state="due", subject__in=[one.pack.name for one in empty])
    known = set(due.values_list("subject", flat=True))
    fresh = [one for one in empty if one.pack.name not in known]
    if fresh:
        with _change(actor, study, 0) as told:
            discarding.promise([one.pack.name for one in fresh])
            told |= {"packs": len(fresh), "objects": 0, "bytes": 0}
    return fresh


@contextmanager
def _change(actor: Actor, study: Study, count: int) -> Iterator[dict[str, Any]]:
    patient = study.patient.pseudonym
    with gate.change(actor, Action.COMPACTED, study_uid=study.uid, patient=patient, count=count) as told:
        yield told
