"""Images that no row names are adopted in the order in which they came, so that the first is the original again.

Of several records of one object that with the highest generation counts that opens, then the one that was written last.
Under a SOP Instance UID that is known by then a newcomer is held back as when it came; what says the same as the
original, or as a newcomer that is held, is dead and stays unnamed. So is what a person had accepted: the newcomer that
it was made from is held back again. What cannot be placed in its turn is looked at once more when all the others have
been: its original may have been damaged, and another image have taken that one's place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction

from accounts import scope
from accounts.errors import NotVisible
from archive import admitting, duplicates, keys, packs, sealing
from archive.errors import Damaged, Unavailable
from archive.models import Held, Instance, Study, Unnamed
from archive.rebuilding import mending, opening, studies
from archive.rebuilding.opening import Found
from archive.rebuilding.report import Rebuilt
from archive.rebuilding.rows import ASIDE, WAITING
from archive.rebuilding.studies import Openers
from archive.tickets import Newcomer
from vault.objects import Kind

MOST: Final = 50
ATTEMPTS: Final = 4
Tell = Callable[[int, int], None]


@dataclass(slots=True)
class Adoption:
    """A rebuild at work. `decided` are the series in which a person had accepted an image (study row, series UID)."""

    report: Rebuilt
    openers: Openers
    tell: Tell
    total: int = 0
    decided: set[tuple[UUID, str]] = field(default_factory=set)
    batch: list[Found] = field(default_factory=list)


def run(now: Adoption) -> None:
    """Adopt every image that waits. Raises Unavailable where the machine fails, and LogUnavailable."""
    now.total = Unnamed.objects.count()
    _round(now)
    while _again():
        before = now.report.instances + now.report.newcomers
        _round(now)
        if now.report.instances + now.report.newcomers == before:
            break
    for row in list(Unnamed.objects.filter(state=ASIDE).order_by("arrived_us", "pack", "offset")):
        _anew(now, row)


def _again() -> bool:
    """Whether anything was put aside; it waits again."""
    return bool(Unnamed.objects.filter(state=ASIDE).update(state=WAITING))


def _round(now: Adoption) -> None:
    waiting = Unnamed.objects.filter(state=WAITING).order_by("arrived_us", "pack", "offset")
    while rows := list(waiting[:MOST]):
        done = set[UUID]()
        for row in rows:
            if row.object_id not in done:
                done.add(row.object_id)
                _adopt(now, row)
        _flush(now)
        # What was put aside waits no more; all else of these objects is settled.
        Unnamed.objects.filter(object_id__in=done, state=WAITING).delete()
        now.tell(now.total - Unnamed.objects.count(), now.total)


def _adopt(now: Adoption, row: Unnamed) -> None:
    """Decide about one object, by the best of its records that opens."""
    one = _best(now, row)
    if one is None:
        return
    if one.head.instance in {other.head.instance for other in now.batch}:
        _flush(now)
    if mending.is_named(one):
        now.report.moved += mending.mend(one)
        return
    if one.head.of is not None and row.kind == Kind.INSTANCE:
        now.decided.add((row.owner, one.head.series))
    place = _judged(one)
    if place is None:
        Unnamed.objects.filter(object_id=row.object_id).exclude(id=one.row.id).delete()
        Unnamed.objects.filter(id=one.row.id).update(state=ASIDE)
    elif place:
        one.admission.ticket.part10 = b""
        now.batch.append(one)
    else:
        now.report.dead += 1


def _best(now: Adoption, row: Unnamed) -> Found | None:
    """The record of an object that counts; each that counts before it and does not open is told."""
    for one in _records(row):
        where = studies.folder(one.owner)
        try:
            if where is None:
                raise Damaged("The key of its study is gone.")
            return opening.found(now.openers.of(where), where, one)
        except NotVisible:
            now.report.trashed += 1
            return None
        except Damaged as error:
            now.report.damage(one.pack, one.offset, str(error))
        except OSError:
            raise Unavailable("A pack cannot be read.") from None
    return None


def _records(row: Unnamed) -> Iterator[Unnamed]:
    yield from Unnamed.objects.filter(object_id=row.object_id).order_by("-generation", "-written_at", "pack", "offset")


def _judged(one: Found) -> bool | None:
    """Whether an image is to be named as it lies: False for what is dead, None for what has no place yet."""
    admission = one.admission
    original = duplicates.known([one.head.instance]).get(one.head.instance)
    if one.row.kind == Kind.INSTANCE and original is None:
        patients = keys.ensure(keys.PATIENT, [admission.pseudonym])
        admission.patient_key = patients[admission.pseudonym]
        return True
    if original is None:
        return None
    if one.row.kind == Kind.INSTANCE or original.study_id != one.row.owner:
        duplicates.judge(admission, original)
        return False if admission.repeated else None
    if one.head.of != original.id:
        duplicates.judge(admission, original)
    return not admission.repeated and _held(one, original)


def _held(one: Found, original: Instance) -> bool:
    """Let a newcomer be held back under its original, unless an equal one is."""
    admission, said = one.admission, one.admission.facts
    data = memoryview(admission.ticket.part10)[said.dataset_offset :]
    digest = duplicates.digest(admission.key.id, said.transfer_syntax, said.study_uid, said.series_uid, data)
    admission.status, admission.known_study = "held", keys.KeyName(original.study.key_id, original.study_id)
    admission.newcomer = Newcomer(original.id, original.study_id, digest)
    return not Held.objects.filter(instance=original, digest=digest).exists()


def _flush(now: Adoption) -> None:
    """Commit the rows of a batch at once, or one by one where that fails, so that a bad one fails alone."""
    batch, now.batch = now.batch, []
    try:
        if batch:
            _commit(now, batch)
    except (IntegrityError, Unavailable):
        for one in batch:
            _alone(now, one)


def _alone(now: Adoption, one: Found) -> None:
    """Commit the rows of one image, unless whoever stored it has named it this moment, or the same anew."""
    one.admission.place = opening.place(one.row)
    try:
        if not mending.is_named(one):
            _commit(now, [one])
            return
    except IntegrityError:
        pass
    now.report.dead += 1


def _commit(now: Adoption, batch: list[Found]) -> None:
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                made = _write(batch)
            break
        except OperationalError:
            if attempt == ATTEMPTS - 1:
                raise
    newcomers = sum(one.admission.newcomer is not None for one in batch)
    now.report.studies += made
    now.report.newcomers += newcomers
    now.report.instances += len(batch) - newcomers


def _write(batch: list[Found]) -> int:
    """The rows of a batch; return how many studies are new. Those are seen by nobody until people have decided."""
    wanted = {one.head.study for one in batch if one.admission.newcomer is None}
    there = set(Study.objects.filter(uid__in=wanted).values_list("uid", flat=True))
    admitting.admit([one.admission for one in batch])
    scope.restrict(wanted - there)
    return len(wanted - there)


def _anew(now: Adoption, row: Unnamed) -> None:
    """Store what cannot be named where it lies as if it came again: in the end no image is lost for its place."""
    one = _best(now, row)
    if one is None:
        return
    where = studies.folder(row.owner)
    if where is None or one.head.study != where.uid:
        now.report.damage(row.pack, row.offset, "It was held back in a study that has no original for it.")
        return
    again = one.admission
    fresh = sealing.admission(again.ticket, again.facts, one.head.issuer)
    failed = sealing.put_away([fresh])
    if failed:
        raise Unavailable("An object could not be stored anew.")
    if fresh.repeated or fresh.place is None:
        now.report.dead += 1
        return
    packs.flush([fresh.place])
    _commit(now, [Found(row, one.head, fresh)])
    now.report.anew += 1
