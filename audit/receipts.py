"""The proof that a disclosure is on record: half of every study's key."""

from dataclasses import dataclass
from uuid import UUID

from audit.actions import Action
from audit.errors import NotCovered


@dataclass(frozen=True, slots=True)
class Who:
    """A copy of the actor as the log keeps it. `key` is stable (`person:<uuid>`), the rest is what people read."""

    kind: str
    key: str
    name: str
    role: str = ""
    address: str = ""
    ae_title: str = ""
    session: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One event (or lease) that is durable in the log. Made in `audit.log` and `audit.leases` alone.

    `study_uids` is what it covers; `sitting` names the view that later leases continue; `until` is the end of a
    lease in seconds since the epoch by the database's clock (None for an act recorded by itself, for one request);
    `patient` is the pseudonym, for the lease's successor.
    """

    event: UUID
    action: Action
    who: Who
    study_uids: frozenset[str]
    purpose: str = ""
    patient: str = ""
    lease: UUID | None = None
    sitting: UUID | None = None
    until: float | None = None

    def require(self, study_uid: str) -> None:
        """Raise NotCovered unless this receipt covers the study."""
        if study_uid not in self.study_uids:
            raise NotCovered("The receipt does not cover this study.")
