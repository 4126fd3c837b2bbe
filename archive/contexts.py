"""What this process remembers of studies it is receiving, so that the hundredth slice costs a fraction of the first.

A context says: an object with this very identity, from this very sender, went through the whole index and was
committed. Another one like it changes counts only. Every statement that relies on a context also checks it against the
rows, so that a context is never believed, only tried. No value of a data set is kept, only a digest under a key that
dies with the process.
"""

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from secrets import token_bytes
from threading import Lock
from uuid import UUID

from archive.dataset import Facts
from archive.keys import KeyName
from archive.tickets import Admission

SECONDS = 60.0
MOST = 2048
MOST_TAKEN = 5000
"""UIDs that are kept of a series; of longer ones each object is looked up."""

_PATIENT = ("patient_name", "patient_id", "issuer", "birth_date")
_STUDY = ("study_date", "study_time", "accession", "study_id", "description", "referring", "modality", "institution")


@dataclass(frozen=True, slots=True)
class Context:
    """A study and series as the index has them, their keys, and the patient's pseudonym."""

    study: UUID
    series: UUID
    study_key: KeyName
    patient_key: KeyName
    pseudonym: str
    until: float
    taken: set[str] | None = None
    """The SOP Instance UIDs that the series is known to have; None where they are too many to be kept."""

    @property
    def fades(self) -> bool:
        """Whether more than half of its time is over, so that it is worth being remembered anew."""
        return time.monotonic() > self.until - SECONDS / 2

    @property
    def order(self) -> tuple[str, str]:
        """By what every process sorts what it counts, so that two never wait for each other in a circle."""
        return self.study.hex, self.series.hex


_lock = Lock()
_secret = token_bytes(32)
_known: OrderedDict[bytes, Context] = OrderedDict()
_packs: set[UUID] = set()
_promised: dict[tuple[str, str], float] = {}


def forget() -> None:
    """Drop everything: the next object goes through the whole index."""
    with _lock:
        _known.clear()
        _packs.clear()
        _promised.clear()


def _disown() -> None:
    """A forked child may have inherited the lock from a thread that it has not."""
    global _lock
    _lock = Lock()
    forget()


os.register_at_fork(after_in_child=_disown)


def name(facts: Facts, sender: Iterable[object]) -> bytes:
    """What an object has in common with others of its series from the same sender."""
    texts = (facts.text(field) for field in (*_PATIENT, *_STUDY))
    said = "\0".join((facts.study_uid, facts.series_uid, *texts, *map(str, sender)))
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), key=_secret, digest_size=32).digest()


def _name(one: Admission) -> bytes:
    one.named = one.named or name(one.facts, (one.actor.key, one.issuer, one.sender, *one.actor.audiences))
    return one.named


def find(one: Admission) -> Context | None:
    """The context of an object, if one like it was committed within the last minute."""
    with _lock:
        found = _known.get(_name(one))
        return found if found is not None and found.until > time.monotonic() else None


def remember(one: Admission, study: UUID, series: UUID, taken: Iterable[str] | None = None) -> None:
    """Keep the context of an object whose rows are committed; `taken` are the UIDs of its series, if they are few."""
    if one.study_key is None or one.patient_key is None:
        return
    until = time.monotonic() + SECONDS
    with _lock:
        before = _known.get(_name(one))
        # What came since those were read is in the set that was kept until now.
        uids = None if taken is None else {*taken, *((before.taken if before else None) or ())}
        context = Context(study, series, one.study_key, one.patient_key, one.pseudonym, until, uids)
        _known[_name(one)] = context
        _known.move_to_end(_name(one))
        while len(_known) > MOST:
            _known.popitem(last=False)


def claim(context: Context, sop_uid: str) -> bool:
    """Take a SOP Instance UID that the series is not known to have; False where it has, or nobody can tell."""
    with _lock:
        if context.taken is None or sop_uid in context.taken:
            return False
        context.taken.add(sop_uid)
        return True


def unclaim(context: Context, sop_uid: str) -> None:
    """Give it back: nothing was stored under it."""
    with _lock:
        if context.taken is not None:
            context.taken.discard(sop_uid)


def drop(study: UUID) -> None:
    """Forget a study whose rows are not as they were."""
    with _lock:
        for name in [name for name, context in _known.items() if context.study == study]:
            del _known[name]


def unrecorded(packs: Iterable[UUID]) -> set[UUID]:
    """Those of the packs of which this process has not yet committed a row."""
    with _lock:
        return set(packs) - _packs


def recorded(packs: Iterable[UUID]) -> None:
    """Note that these packs' rows are committed."""
    with _lock:
        if len(_packs) > MOST:
            _packs.clear()
        _packs.update(packs)


def unpromised(kind: str, subject: str) -> bool:
    """Tell whether work must be promised: not while a promise of ours is surely still waiting."""
    with _lock:
        return _promised.get((kind, subject), 0.0) <= time.monotonic()


def promised(kind: str, subject: str, due_in: float) -> None:
    """Note a committed promise; it counts for half the time until it is due, so that none is missed at the edge."""
    with _lock:
        if len(_promised) > MOST:
            _promised.clear()
        _promised[kind, subject] = time.monotonic() + due_in / 2
