"""Reading everything back, study by study in the order of the disk, from where the last run of the pass was ended.

What was opened is on record as work of the job `tend`, study by study; the whole pass is one event of whoever ran it.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import gate, identify, scope
from accounts.actors import Actor
from accounts.errors import NotVisible
from archive import jobs, keys
from archive.errors import Damaged, Unavailable
from archive.fixity import findings, items, whereabouts
from archive.fixity.examining import Fault, Heads, Pace, Verdict, examine
from archive.fixity.items import Item
from archive.models import Instance, Pack, Rendition, Scrub, Study
from archive.openers import Opener
from audit.actions import Action
from vault.objects import Kind

Tell = Callable[[Scrub, int], None]

COMMIT_SECONDS: Final = 1.0
MOST_UNCOMMITTED: Final = 200
OPENER_SECONDS: Final = 30.0
_REMADE: Final = {Kind.PREVIEW: "preview", Kind.METADATA: "metadata"}
_HASH_RANGE: Final = 1 << 64


@dataclass(slots=True)
class _Batch:
    """What was read since the last commit."""

    place: tuple[UUID, str, int] | None = None
    digests: dict[UUID, str] = field(default_factory=dict)
    read: int = 0
    size: int = 0
    damaged: int = 0
    begun: float = field(default_factory=time.monotonic)

    def full(self) -> bool:
        return self.read >= MOST_UNCOMMITTED or time.monotonic() - self.begun > COMMIT_SECONDS


def run(actor: Actor, percent: int = 100, *, rate: int | None = None, restart: bool = False, tell: Tell) -> Scrub:
    """Begin a pass, or go on with the unfinished one of the same share, and end it; returns its row.

    `percent` of the objects are read, chosen anew by each pass; `rate` bounds the bytes read in a second; `tell` hears
    how far it is and how many objects there are. Raises Forbidden, LogUnavailable, and Unavailable where the packs are
    away or another process goes on with the same pass.
    """
    gate.permit(actor, Action.SCRUBBED)
    whereabouts.require_present()
    if restart:
        Scrub.objects.filter(percent=percent, finished_at=None).delete()
    now, _ = Scrub.objects.get_or_create(percent=percent, finished_at=None, defaults={"started_at": timezone.now()})
    total, pace = items.total() * percent // 100, Pace(rate)
    batch = _Batch()
    for study in _studies(now.study):
        for item, verdict in _verdicts(now, study, pace):
            _take(batch, study, item, verdict)
            if batch.full():
                now, batch = _commit(now, batch), _Batch()
                tell(now, total)
    now = _commit(now, batch)
    findings.forget_removed()
    _finish(actor, now)
    tell(now, total)
    return now


def _studies(begin: UUID | None) -> Iterator[Study]:
    """Every study from one on, asked for one by one: nothing is held open while a pass lasts for days."""
    rows = Study.objects.select_related("patient").order_by("id")
    study = rows.filter(id__gte=begin).first() if begin else rows.first()
    while study is not None:
        yield study
        study = rows.filter(id__gt=study.id).first()


def _compacted(study: Study, now: Scrub) -> bool:
    """Whether objects of a study may have been moved behind the cursor during this pass: then it is read anew."""
    return Pack.objects.filter(study=study.id, compacted_at__gte=now.started_at).exists()


def _chosen(now: Scrub, item: Item) -> bool:
    """Whether a pass reads this object: by chance, but the same when the pass goes on after it was ended."""
    lot = hashlib.sha256(now.id.bytes + item.id.bytes).digest()[:8]
    return int.from_bytes(lot) * 100 < now.percent * _HASH_RANGE


def _verdicts(now: Scrub, study: Study, pace: Pace) -> Iterator[tuple[Item, Verdict | None]]:
    """Each object of a study that is left to be read, with what reading it showed; None where it is gone."""
    if scope.withdrawn(study.uid):
        return  # What is in the trash is opened by nobody, this work included.
    found = [one for one in items.of_study(study) if _chosen(now, one)]
    if study.id == now.study and not _compacted(study, now):
        found = [one for one in found if (one.pack, one.offset) > (now.pack, now.offset)]
    if not found:
        return
    told: dict[str, Any] = {"patient": study.patient.pseudonym, "count": len(found), "details": {"pass": str(now.id)}}
    try:
        receipt = gate.disclose(identify.system("tend"), Action.SCRUBBED, study.uid, found=True, **told)
    except NotVisible:
        return  # It went into the trash this moment.
    opener, opened_at, heads = None, 0.0, Heads(found[0].pack)
    for item in found:
        if heads.pack != item.pack:
            heads = Heads(item.pack)
        if opener is None or time.monotonic() - opened_at > OPENER_SECONDS:
            try:
                opener, opened_at = keys.unlock(receipt, study.uid).silent(), time.monotonic()
            except Damaged as error:
                yield item, Verdict("", (), Fault(item.what, str(error)))
                continue
        yield item, reread(opener, study, item, heads, pace)


def reread(opener: Opener, study: Study, item: Item, heads: Heads, pace: Pace) -> Verdict | None:
    """What reading an object shows; one that does not verify is looked up again, since it may just have been moved."""
    found = examine(opener, item, heads, pace)
    if found.fault is None:
        return found
    if whereabouts.away():
        raise Unavailable("The place of the packs has gone away. Nothing was marked since.")
    moved = items.again(study, item)
    if moved == item:
        return found
    return None if moved is None else examine(opener, moved, Heads(moved.pack), pace)


def _take(batch: _Batch, study: Study, item: Item, verdict: Verdict | None) -> None:
    """Mark what is damaged at once; what verified is noted with the next commit of the cursor."""
    batch.place = (study.id, item.pack, item.offset)
    if verdict is None:
        return
    batch.read += 1
    batch.size += item.length
    if item.kind == Kind.INSTANCE and len(verdict.verified) > 1:
        batch.digests[item.id] = verdict.sha256
    if verdict.verified and findings.marked([item.id]) and findings.verified(item.id, verdict.verified):
        _renew(item)
    if verdict.fault is not None:
        batch.damaged += 1
        mark(item, verdict.fault)


def mark(item: Item, fault: Fault) -> None:
    """Tell people of a damaged object; one that is derived is thrown away and made again."""
    if item.kind not in _REMADE:
        findings.found(item.id, fault.what, fault.error, fault.expected, fault.found)
        return
    # It is derived: what it was made from is read back too, so it is thrown away and made again.
    with transaction.atomic():
        row = Rendition.objects.filter(id=item.id).first()
        if row is not None:
            row.delete()
            jobs.promise(_REMADE[item.kind], str(row.series_id))
            findings.replaced(item.id, fault.what, fault.error)


def _renew(item: Item) -> None:
    """What was derived of a series while one of its images was damaged says too little of it now."""
    row = Instance.objects.filter(id=item.id).first()
    if row is not None:
        Rendition.objects.filter(series=row.series_id, instance=None).delete()
        jobs.promise_many(jobs.Work(kind, str(row.series_id)) for kind in _REMADE.values())


def _commit(now: Scrub, batch: _Batch) -> Scrub:
    """Write the dates of what verified and the cursor behind it, together."""
    if batch.place is None:
        return now
    study, pack, offset = batch.place
    with transaction.atomic(durable=True):
        ours = Scrub.objects.filter(id=now.id, study=now.study, pack=now.pack, offset=now.offset, finished_at=None)
        moved = ours.update(
            study=study,
            pack=pack,
            offset=offset,
            objects_read=now.objects_read + batch.read,
            bytes_read=now.bytes_read + batch.size,
            damaged=now.damaged + batch.damaged,
        )
        if not moved:
            raise Unavailable("Another process goes on with this pass.")
        Instance.objects.filter(id__in=list(batch.digests)).update(verified_at=timezone.now())
        for row in Instance.objects.filter(id__in=list(batch.digests), sha256="").values_list("id", flat=True):
            Instance.objects.filter(id=row, sha256="").update(sha256=batch.digests[row])
    return Scrub.objects.get(id=now.id)


def _finish(actor: Actor, now: Scrub) -> None:
    told = {"pass": str(now.id), "percent": now.percent, "bytes": now.bytes_read, "damaged": now.damaged}
    with gate.change(actor, Action.SCRUBBED, count=now.objects_read, details=told):
        if not Scrub.objects.filter(id=now.id, finished_at=None).update(finished_at=timezone.now()):
            raise Unavailable("Another process has ended this pass.")
