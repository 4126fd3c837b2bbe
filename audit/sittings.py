"""One sitting as the record tells it: its views, and which instances left in fact, folded over all their events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from audit import deliveries, log
from audit.actions import Action
from audit.models import AuditEvent
from keystore.errors import KeystoreError
from vault.errors import Tampered


@dataclass(slots=True)
class Instance:
    """What left of one instance: frames (none: the whole), bytes, uses, and between when and when (µs UTC)."""

    series_uid: str
    sop_uid: str
    first_us: int
    last_us: int
    frames: set[int] = field(default_factory=set)
    size: int = 0
    uses: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Delivered:
    """Everything delivered in one sitting. `closed` counts events whose details do not open."""

    instances: dict[tuple[str, str], Instance] = field(default_factory=dict)
    last_us: int = 0
    closed: int = 0

    def count(self, use: str) -> int:
        """How many distinct instances were put to this use."""
        return sum(use in instance.uses for instance in self.instances.values())

    @property
    def uses(self) -> list[str]:
        return sorted({use for instance in self.instances.values() for use in instance.uses})

    @property
    def size(self) -> int:
        return sum(instance.size for instance in self.instances.values())


def delivered(sittings: Iterable[UUID]) -> dict[UUID, Delivered]:
    """What was delivered in each of these sittings."""
    found = {sitting: Delivered() for sitting in sittings}
    rows = AuditEvent.objects.filter(sitting__in=list(found), action=Action.DELIVERED).order_by("log", "seq")
    for row in rows.iterator():
        if row.sitting is not None:
            _add(found[row.sitting], row)
    return found


def views(sitting: UUID) -> list[AuditEvent]:
    """The events that opened or prolonged a sitting, the first one first: leases, or one exact disclosure."""
    return list(AuditEvent.objects.filter(sitting=sitting).exclude(action=Action.DELIVERED).order_by("log", "seq"))


def _add(into: Delivered, row: AuditEvent) -> None:
    into.last_us = max(into.last_us, row.time_us)
    try:
        details = log.open_details(row)
    except (Tampered, KeystoreError):
        details = None
    if details is None:
        into.closed += 1
        return
    for series_uid, sop_uid, frames, size in deliveries.instances_of(details):
        name = (series_uid, sop_uid)
        known = into.instances.setdefault(name, Instance(series_uid, sop_uid, row.time_us, row.time_us))
        known.frames.update(frames)
        known.size += size
        known.uses.add(details["use"])
        known.last_us = row.time_us
