"""An object under a SOP Instance UID that is known: the same again, or another one that must wait for a person.

Same = equal data set bytes after group 0002 in the same transfer syntax, study and series. The original is opened for
that only when the lengths agree, by the program's own job `compare`, and on record.
"""

from collections.abc import Iterable
from uuid import UUID

from accounts import gate, identify
from archive import keys, moves, packs, statements
from archive.errors import Damaged
from archive.models import Held, Instance
from archive.tickets import Admission, Newcomer
from audit.actions import Action
from vault.objects import Kind, instance_slots


def known(sop_uids: Iterable[str]) -> dict[str, Instance]:
    """The current instance under each of these UIDs that is known, wherever it is."""
    there = statements.known(set(sop_uids))
    if not there:
        return {}
    found = Instance.objects.filter(uid__in=there, current=True).select_related("study__patient", "series", "pack")
    return {instance.uid: instance for instance in found}


def judge(one: Admission, original: Instance) -> None:
    """Decide whether an object is the same as the original, was held before, or is new to quarantine."""
    one.known_study = keys.KeyName(original.study.key_id, original.study_id)
    # What a person has replaced since may be sent again, and is here as well.
    older = Instance.objects.filter(uid=original.uid, current=False).select_related("study__patient", "series", "pack")
    if any(_same_bytes(one, copy) for copy in (original, *older)):
        one.status, one.repeated = "same", True
        return
    one.status = "held"
    data = memoryview(one.ticket.part10)[one.facts.dataset_offset :]
    said = (one.facts.transfer_syntax, one.facts.study_uid, one.facts.series_uid)
    fresh = digest(one.known_study.id, *said, data)
    # While the study passes to another key, who was held back before is known by a digest under the one it leaves.
    leaving = keys.of_studies([original.study.uid], [keys.LEAVING]).values_list("id", flat=True)
    known = [fresh, *(digest(key, *said, data) for key in leaving)]
    earlier = Held.objects.filter(instance=original, digest__in=known).values_list("state", flat=True).first()
    if earlier is not None:
        one.repeated = True
        one.status = "same" if earlier == "same" else "held"
        return
    one.newcomer = Newcomer(original.id, original.study_id, fresh)


def digest(key: UUID, transfer_syntax: str, study_uid: str, series_uid: str, data: bytes | memoryview) -> str:
    """By what a newcomer is known again: keyed, of its data set, its syntax, and the place it says it has."""
    named = "\0".join((transfer_syntax, study_uid, series_uid)).encode()
    return keys.digest(key, "newcomer", named, data)


def _same_bytes(one: Admission, original: Instance) -> bool:
    facts = one.facts
    alike = (
        original.transfer_syntax == facts.transfer_syntax
        and original.study.uid == facts.study_uid
        and original.series.uid == facts.series_uid
        and original.size - original.dataset_offset == facts.size - facts.dataset_offset
    )
    if not alike:
        return False
    try:
        stored = _opened(original)
    except Damaged:
        return False  # A whole copy arrives where ours is damaged: keep it, and let a person see.
    return memoryview(stored)[original.dataset_offset :] == memoryview(one.ticket.part10)[facts.dataset_offset :]


def _opened(original: Instance) -> bytes:
    """The original's bytes, by a receipt of the job's own."""
    study_uid = original.study.uid
    patient, actor = original.study.patient.pseudonym, identify.system("compare")
    receipt = gate.disclose(actor, Action.DERIVED, study_uid, found=True, purpose="duplicate", patient=patient, count=1)
    opener = keys.unlock(receipt, study_uid)
    return opener.object(
        original.key_id,
        Kind.INSTANCE,
        original.id,
        original.generation,
        instance_slots(study_uid, original.series.uid, original.uid),
        packs.read(original.pack.name, original.offset, original.length, moves.again(original)),
    )
