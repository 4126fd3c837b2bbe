"""What was handed to sockets, gathered: which instances and frames, how many bytes, to whom, for what use. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from audit.actions import Action, Outcome, Use
from audit.events import Event
from audit.receipts import Receipt, Who


class To(NamedTuple):
    """Who got it, in which sitting, and what became of it: deliveries that share this become one event."""

    sitting: str
    use: str
    study_uid: str
    patient: str
    purpose: str
    kind: str
    key: str
    name: str
    role: str
    address: str
    ae_title: str
    session: str


Instances = dict[tuple[str, str], tuple[set[int], int]]
Gathered = dict[To, Instances]


def address(receipt: Receipt, use: Use, study_uid: str) -> To:
    """Whom a delivery under this receipt goes to."""
    who = receipt.who
    return To(
        str(receipt.sitting or receipt.event),
        use.value,
        study_uid,
        receipt.patient,
        receipt.purpose,
        who.kind,
        who.key,
        who.name,
        who.role,
        who.address,
        who.ae_title,
        who.session,
    )


def add(gathered: Gathered, to: To, series_uid: str, sop_uid: str, frames: Iterable[int], size: int) -> None:
    """Gather one delivery: frames of an instance (none: the whole instance), and its bytes."""
    instances = gathered.setdefault(to, {})
    name = (series_uid, sop_uid)
    known, before = instances.get(name) or (set(), 0)
    known.update(frames)
    instances[name] = (known, before + size)


def merge(gathered: Gathered, more: Gathered) -> None:
    """Gather what another has gathered."""
    for to, instances in more.items():
        for (series_uid, sop_uid), (frames, size) in instances.items():
            add(gathered, to, series_uid, sop_uid, frames, size)


def pack(gathered: Gathered) -> bytes:
    """One journal entry's plaintext."""
    return orjson.dumps([[list(to), _nested(instances)] for to, instances in gathered.items()])


def unpack(plaintext: bytes) -> Gathered:
    """What `pack` packed."""
    gathered: Gathered = {}
    for to, nested in orjson.loads(plaintext):
        for series_uid, of_series in nested.items():
            for sop_uid, (frames, size) in of_series.items():
                add(gathered, To(*to), series_uid, sop_uid, frames, size)
    return gathered


def events(gathered: Gathered, source: dict[str, Any]) -> list[Event]:
    """One DELIVERED event for each sitting and use; `source` says which journal's entries it was made from."""
    return [_event(to, instances, source) for to, instances in gathered.items()]


def instances_of(details: dict[str, Any]) -> list[tuple[str, str, Sequence[int], int]]:
    """The list inside a DELIVERED event's details: (series uid, sop uid, frames, bytes)."""
    return [
        (series_uid, sop_uid, frames, size)
        for series_uid, of_series in details["instances"].items()
        for sop_uid, (frames, size) in of_series.items()
    ]


def _event(to: To, instances: Instances, source: dict[str, Any]) -> Event:
    who = Who(to.kind, to.key, to.name, to.role, to.address, to.ae_title, to.session)
    size = sum(size for _, size in instances.values())
    return Event(
        Action.DELIVERED,
        Outcome.OK,
        who,
        study_uid=to.study_uid,
        patient=to.patient,
        purpose=to.purpose,
        sitting=UUID(to.sitting),
        count=len(instances),
        details={"use": to.use, "bytes": size, "instances": _nested(instances), "journal": source},
    )


def _nested(instances: Instances) -> dict[str, dict[str, tuple[list[int], int]]]:
    nested: dict[str, dict[str, tuple[list[int], int]]] = {}
    for (series_uid, sop_uid), (frames, size) in instances.items():
        nested.setdefault(series_uid, {})[sop_uid] = (sorted(frames), size)
    return nested
