"""What a caller says happened, before the log gives it a number, a time and its place in the chain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from audit.actions import Action, Outcome
from audit.receipts import Who

MAX_COUNT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Event:
    """One event to be written.

    `patient` is the pseudonym in hexadecimal. `details` is JSON that the log seals under its own key of the year;
    `sealed` is (key id, bytes) already sealed by a service as a cell `audit_event.details` of the row `id`. At most
    one of the two is given. `listed` are the studies that a search showed, in order.
    """

    action: Action
    outcome: Outcome
    who: Who
    study_uid: str = field(default="", kw_only=True)
    patient: str = field(default="", kw_only=True)
    purpose: str = field(default="", kw_only=True)
    sitting: UUID | None = field(default=None, kw_only=True)
    count: int = field(default=0, kw_only=True)
    details: Mapping[str, Any] | None = field(default=None, kw_only=True)
    sealed: tuple[UUID, bytes] | None = field(default=None, kw_only=True)
    listed: tuple[str, ...] = field(default=(), kw_only=True)
    id: UUID = field(default_factory=uuid4, kw_only=True)

    def __post_init__(self) -> None:
        if self.details is not None and self.sealed is not None:
            raise ValueError("An event's details are sealed by the log or by the service, not by both.")
        if not 0 <= self.count <= MAX_COUNT:
            raise ValueError("An event's count is a number that JSON can hold.")


def clean(text: str, limit: int) -> str:
    """Text that every database and JSON can hold: what comes from the wire may be anything, the log must not fail.

    Unprintable characters become U+FFFD, what is longer than the column is cut.
    """
    if len(text) <= limit and text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:limit])
