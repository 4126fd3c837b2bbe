"""The job `compare`: decide whether what was held back is the original encoded anew, or must wait for a person."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts import gate, identify, scope
from archive import comparison, keys, moves, packs
from archive.comparison import Comparison
from archive.errors import Damaged
from archive.models import Held, Instance, Study
from archive.openers import Opener
from audit import log
from audit.actions import Action, Outcome
from vault.objects import EMPTY_SLOTS, Kind, instance_slots

ACTOR = "compare"


def compare(subject: str, progress: Callable[[int, int], None]) -> None:
    """Compare one newcomer with its original and settle its state. `subject` is the id of its `Held` row."""
    held = find(UUID(subject))
    if held is None or held.state != "comparing":
        return
    progress(0, 1)
    study_uid, actor = held.study.uid, identify.system(ACTOR)
    if scope.covers(actor, study_uid) is False:
        return  # It is in the trash; whoever restores it promises this work again.
    pseudonym = held.study.patient.pseudonym
    receipt = gate.disclose(actor, Action.DERIVED, study_uid, found=True, purpose="compare", patient=pseudonym, count=2)
    opener = keys.unlock(receipt, study_uid)
    reason = _elsewhere(held)
    if not reason:
        result = beside(opener, held)
        reason = "" if result.same else result.reason
    with transaction.atomic(durable=True):
        if not _settle(held, reason):
            return
        log.append(
            [
                log.Event(
                    Action.HELD_BACK if reason else Action.DUPLICATE,
                    Outcome.OK,
                    actor.who,
                    study_uid=study_uid,
                    patient=pseudonym,
                    purpose="compare",
                    count=1,
                    details={"held": subject, "state": "held" if reason else "same"},
                )
            ]
        )
    progress(1, 1)


def find(held_id: UUID) -> Held | None:
    """A newcomer's row with what it hangs on."""
    rows = Held.objects.select_related(
        "pack", "study__patient", "instance__series", "instance__pack", "instance__study"
    )
    return rows.filter(id=held_id).first()


def beside(opener: Opener, held: Held) -> Comparison:
    """A newcomer compared with its original; with a damaged original nothing can be compared. Raises Damaged."""
    came = newcomer(opener, held)
    try:
        before = original(opener, held.instance)
    except Damaged:
        return comparison.UNREADABLE
    return comparison.compare(before, came)


def _elsewhere(held: Held) -> str:
    """Why a newcomer can only be held, without looking into it."""
    if held.study_uid != held.study.uid:
        return "The same SOP Instance UID came in another study."
    if held.series_uid != held.instance.series.uid:
        return "The same SOP Instance UID came in another series."
    return ""


def _settle(held: Held, reason: str) -> bool:
    """Write the state of a newcomer that nobody settled meanwhile, and the study's marks with it.

    A copy that is the same is released: no row leads to its bytes any more but this one, which recognises the next.
    """
    state = "held" if reason else "same"
    released = {} if reason else {"pack": None, "offset": 0, "length": 0}
    changed = Held.objects.filter(id=held.id, state="comparing").update(state=state, reason=reason, **released)
    marks = {"held_count": F("held_count") + 1} if reason else {"same_count": F("same_count") + 1}
    if changed:
        Study.objects.filter(id=held.study_id).update(**marks)
    return bool(changed)


def original(opener: Opener, instance: Instance) -> bytes:
    """The file of an instance. Raises Damaged."""
    slots = instance_slots(instance.study.uid, instance.series.uid, instance.uid)
    stored = packs.read(instance.pack.name, instance.offset, instance.length, moves.again(instance))
    return opener.object(instance.key_id, Kind.INSTANCE, instance.id, instance.generation, slots, stored)


def newcomer(opener: Opener, held: Held) -> bytes:
    """The file that was held back. Raises Damaged."""
    if held.pack is None:
        raise Damaged("What was held back has been released.")
    stored = packs.read(held.pack.name, held.offset, held.length, moves.again(held))
    return opener.object(held.key_id, Kind.QUARANTINED, held.id, held.generation, EMPTY_SLOTS, stored)
