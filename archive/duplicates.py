"""An object under a SOP Instance UID that is known: the same again, or another one that must wait for a person.

Same = equal data set bytes after group 0002 in the same transfer syntax, study and series. The original is opened for
that only when the lengths agree, by the program's own job `compare`, and on record.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from accounts import gate, identify
from archive import keys, moves, packs, statements
from archive.errors import Damaged
from archive.growing import pieces
from archive.models import Held, Instance
from archive.openers import Opener
from archive.tickets import Admission, Newcomer
from audit.actions import Action
from vault.objects import Buffer, Kind, instance_slots


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
    said = (one.facts.transfer_syntax, one.facts.study_uid, one.facts.series_uid)
    fresh = _digest(one.known_study.id, said, one)
    # While the study passes to another key, who was held back before is known by a digest under the one it leaves.
    leaving = keys.of_studies([original.study.uid], [keys.LEAVING]).values_list("id", flat=True)
    known = [fresh, *(_digest(key, said, one) for key in leaving)]
    earlier = Held.objects.filter(instance=original, digest__in=known).values_list("state", flat=True).first()
    if earlier is not None:
        one.repeated = True
        one.status = "same" if earlier == "same" else "held"
        return
    one.newcomer = Newcomer(original.id, original.study_id, fresh)


def digest(key: UUID, transfer_syntax: str, study_uid: str, series_uid: str, data: bytes | memoryview) -> str:
    """By what a newcomer is known again: keyed, of its data set, its syntax, and the place it says it has."""
    named = "\0".join((transfer_syntax, study_uid, series_uid)).encode()
    return keys.digest_of_pieces(key, "newcomer", (named,), len(data), (data,))


def _digest(key: UUID, said: tuple[str, str, str], one: Admission) -> str:
    named, length = "\0".join(said).encode(), one.facts.size - one.facts.dataset_offset
    return keys.digest_of_pieces(key, "newcomer", (named,), length, _behind(arrived(one), one.facts.dataset_offset))


def arrived(one: Admission) -> Iterable[Buffer]:
    """The file that has arrived, in pieces. What was sealed meanwhile is read back, on record. Raises Damaged."""
    growing = one.ticket.growing
    if growing is None:
        return (one.ticket.part10,)
    return growing.opened(_opened(growing.seal.study_uid, one.pseudonym))


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
    opener, name = _opened(original.study.uid, original.study.patient.pseudonym), original.pack.name
    slots = instance_slots(original.study.uid, original.series.uid, original.uid)
    try:
        with packs.reading(name, original.offset, moves.again(original)) as read:
            stored = opener.stream(
                original.key_id, Kind.INSTANCE, original.id, original.generation, slots, pieces(read, original.length)
            )
            fresh = _behind(arrived(one), facts.dataset_offset)
            return _equal(_behind(stored, original.dataset_offset), fresh)
    except Damaged:
        return False  # A whole copy arrives where ours is damaged: keep it, and let a person see.


def _opened(study_uid: str, patient: str) -> Opener:
    """What opens a study for the program's own job, by a receipt for exactly this work."""
    actor = identify.system("compare")
    receipt = gate.disclose(actor, Action.DERIVED, study_uid, found=True, purpose="duplicate", patient=patient, count=1)
    return keys.unlock(receipt, study_uid)


def _behind(whole: Iterable[Buffer], offset: int) -> Iterator[memoryview]:
    """The bytes of a file from an offset on, in pieces."""
    for piece in whole:
        view = memoryview(piece)[offset:]
        offset = max(0, offset - len(piece))
        if view:
            yield view


def _equal(one: Iterator[memoryview], other: Iterator[memoryview]) -> bool:
    """Whether two runs of pieces hold the same bytes; equal ones are read to the end, which proves them whole."""
    empty = memoryview(b"")
    left, right = next(one, empty), next(other, empty)
    while left and right:
        length = min(len(left), len(right))
        if left[:length] != right[:length]:
            return False
        left, right = left[length:] or next(one, empty), right[length:] or next(other, empty)
    return not left and not right
