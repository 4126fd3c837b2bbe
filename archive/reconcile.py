"""Newer images held back: what differs from the original, and a person's decision. The original is never touched.

Listing and comparing disclose, so each is on record by itself; accepting and rejecting are changes with their event.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db.models import F
from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from accounts.errors import NotVisible
from archive import index, jobs, keys, newcomers, packs, sealing
from archive.comparison import UNREADABLE, Comparison
from archive.dataset import Facts, facts
from archive.errors import Unavailable, Unsuitable
from archive.frames import build, encode
from archive.jobs import Work
from archive.models import Held, Instance, Series, Study
from archive.packs import Place
from audit.actions import Action
from audit.receipts import Receipt
from vault.objects import Kind, instance_slots

OPEN = "held"


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One newcomer that waits for a decision, without anything of its content."""

    id: UUID
    study_uid: str
    series_uid: str
    sop_uid: str
    number: int | None
    sop_class: str
    transfer_syntax: str
    transfer_syntax_before: str
    reason: str
    sender: str
    received_at: datetime
    received_at_before: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One newcomer beside its original."""

    held: HeldRow
    comparison: Comparison


def held(actor: Actor, study_uid: str) -> list[HeldRow]:
    """What is held back for one study, oldest first. Raises NotVisible, Forbidden, LogUnavailable."""
    _disclose(actor, study_uid)
    rows = Held.objects.filter(study__uid=study_uid, state=OPEN).select_related("study", "instance__series")
    return [_row(one) for one in rows.order_by("received_at", "id")]


def difference(actor: Actor, held_id: UUID) -> Difference:
    """How one newcomer differs from its original. Raises NotVisible, Forbidden, Damaged, LogUnavailable.

    What says that it belongs to another study is not opened: whoever may see this study need not see that one.
    """
    one, receipt = _shown(actor, held_id)
    if one.study_uid != one.study.uid:
        return Difference(_row(one), UNREADABLE)
    return Difference(_row(one), newcomers.beside(keys.unlock(receipt, one.study.uid), one))


def _shown(actor: Actor, held_id: UUID) -> tuple[Held, Receipt]:
    """A newcomer and the receipt of its disclosure; an unknown one is as invisible as one of another group."""
    one = newcomers.find(held_id)
    receipt = _disclose(actor, one.study.uid if one else "", held_id)
    if one is None:
        raise NotVisible
    return one, receipt


def _disclose(actor: Actor, study_uid: str, held_id: UUID | None = None) -> Receipt:
    patient = Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first()
    details = {"held": str(held_id)} if held_id else None
    return gate.disclose(
        actor, Action.COMPARE, study_uid, found=patient is not None, patient=patient or "", count=1, details=details
    )


def reject(actor: Actor, held_id: UUID) -> None:
    """Keep the original as it is. The newcomer stays sealed in quarantine until removal takes it."""
    one = newcomers.find(held_id) or _shown(actor, held_id)[0]
    with _change(actor, Action.HELD_REJECTED, one):
        _decide(one, actor, "rejected")


def accept(actor: Actor, held_id: UUID) -> None:
    """Make the newcomer the current instance under its UID; the original stays, no longer current.

    Raises NotVisible, Forbidden, Damaged, LogUnavailable, and Unsuitable for what belongs to another study.
    """
    one, receipt = _shown(actor, held_id)
    if one.study_uid != one.study.uid:
        raise Unsuitable("This image says that it belongs to another study; it can only be rejected.")
    found, made, place = _reseal(one, receipt)
    with _change(actor, Action.HELD_ACCEPTED, one):
        _decide(one, actor, "accepted")
        _replace(one, found, made, place)


@contextmanager
def _change(actor: Actor, action: Action, one: Held) -> Iterator[None]:
    study = one.study
    with gate.change(actor, action, subject=str(one.id), study_uid=study.uid, patient=study.patient.pseudonym, count=1):
        yield


def _decide(one: Held, actor: Actor, state: str) -> None:
    """Close an open newcomer; who comes second finds it closed."""
    now = timezone.now()
    waiting = Held.objects.filter(id=one.id, state=OPEN)
    if not waiting.update(state=state, decided_at=now, decided_by=actor.name[:150]):
        raise Unsuitable("Somebody has decided about this image already.")
    Study.objects.filter(id=one.study_id).update(held_count=F("held_count") - 1)


def _reseal(one: Held, receipt: Receipt) -> tuple[Facts, Instance, Place]:
    """Seal the newcomer as an instance of a later generation, durably, before any row names it."""
    study_uid, key = one.study.uid, one.study.key_id
    plain = newcomers.newcomer(keys.unlock(receipt, study_uid), one)
    found = facts(plain)
    table = build(plain, found)
    row, generation = uuid4(), one.instance.generation + 1
    slots = instance_slots(study_uid, found.series_uid, found.sop_uid)
    sealed = keys.seal(key, Kind.INSTANCE, row, slots, plain, generation)
    told = {"sender": one.sender, "arrived_us": sealing.microseconds(one.received_at), "of": str(one.instance_id)}
    head = sealing.sealed_head(key, Kind.INSTANCE, row, sealing.described(found) | told, receipt.who, generation)
    place = packs.append(one.study_id, head, sealed)
    packs.flush([place])
    made = Instance(**index.instance(found, row, key, place, encode(table), table.count))
    made.generation, made.sender, made.received_at, made.study_id = (
        generation,
        one.sender,
        one.received_at,
        one.study_id,
    )
    return found, made, place


def _replace(one: Held, found: Facts, made: Instance, place: Place) -> None:
    """The rows of an accepted newcomer: the original steps back, the new one takes its place, in its own series."""
    study = Study.objects.select_for_update().get(id=one.study_id)
    if study.key_id != made.key_id:
        raise Unavailable("The key of this study changed; try again.")
    if not Instance.objects.filter(id=one.instance_id, current=True).update(current=False):
        raise Unsuitable("Another image has replaced the original meanwhile.")
    said = {"modality": found.text("modality"), "number": found.number("series_number")}
    series, new = Series.objects.get_or_create(study=study, uid=one.series_uid, defaults=said)
    Series.objects.filter(id=one.instance.series_id).update(instance_count=F("instance_count") - 1)
    Series.objects.filter(id=series.id).update(instance_count=F("instance_count") + 1)
    study.series_count += int(new)
    study.size += made.size
    study.save(update_fields=["series_count", "size"])
    index.name_packs([place])
    made.series = series
    made.save(force_insert=True)
    Held.objects.filter(instance_id=one.instance_id, state__in=("comparing", OPEN)).update(instance=made)
    jobs.promise_many(Work(kind, str(series.id), 0.0) for kind in index.AFTER_STORE)


def _row(one: Held) -> HeldRow:
    return HeldRow(
        one.id,
        one.study_uid,
        one.series_uid,
        one.instance.uid,
        one.instance.number,
        one.sop_class,
        one.transfer_syntax,
        one.instance.transfer_syntax,
        one.reason,
        one.sender,
        one.received_at,
        one.instance.received_at,
        one.size,
    )
