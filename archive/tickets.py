"""What passes between those who hand objects in and the one writer: a ticket each, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, get_ident
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from accounts.actors import Actor
from archive.dataset import Facts
from archive.errors import Unavailable
from archive.growing import Growing
from archive.keys import KeyName
from archive.packs import Place

if TYPE_CHECKING:
    from archive.contexts import Context


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one object: `stored`, `same` (we had it already) or `held` (kept aside until a person decides)."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str
    status: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A copy under a known SOP Instance UID that differs from the original, sealed into quarantine."""

    instance: UUID
    study_row: UUID
    digest: str


class Ticket:
    """One object on its way in, or the refusal of one on its way into the record."""

    def __init__(
        self,
        actor: Actor,
        arrived: datetime,
        *,
        part10: bytes | bytearray = b"",
        facts: Facts | None = None,
        table: bytes = b"",
        frames: int = 0,
        growing: Growing | None = None,
        error: Exception | None = None,
        issuer: str = "",
        ahead: bool = False,
    ) -> None:
        self.actor, self.arrived = actor, arrived
        self.part10, self.facts, self.table, self.frames = part10, facts, table, frames
        self.growing = growing  # where it is sealed already, and `part10` empty
        self.refusal = error
        self.issuer = issuer  # of the patient id, where that was told when it came
        self.ahead = ahead  # whether it may be answered once it is durable in its pack (`archive.owed`)
        self.owed = False  # whether it was, and its rows are still to be written
        self.attempts = 0
        self.thread = get_ident()  # of who handed it in, and will come again once it is answered
        self.weight = len(part10) + 1024  # bytes it keeps in memory, roughly
        self._done = Event()
        self._stored: Stored | None = None
        self._error: Exception | None = None

    @property
    def settled(self) -> bool:
        """Whether it was answered."""
        return self._done.is_set()

    def succeed(self, status: str) -> None:
        """Answer, where that was not done ahead: it is durable, and has its rows."""
        if not self.owed:
            self._stored = self._as(status)
        self.owed = False
        self._end()

    def acknowledge(self, status: str) -> None:
        """Answer ahead of its rows: it is durable. It is kept until they are written."""
        self._stored, self.owed = self._as(status), True
        self._done.set()

    def fail(self, error: Exception) -> None:
        """Answer: it was not stored, and why. What was acknowledged stays so, and stays owed."""
        if not self.owed:
            self._error = error
            self._end()

    def _as(self, status: str) -> Stored:
        facts = self.facts
        if facts is None:
            raise ValueError("a refusal cannot succeed")
        return Stored(facts.study_uid, facts.series_uid, facts.sop_uid, facts.sop_class, facts.transfer_syntax, status)

    def _end(self) -> None:
        self.part10 = b""
        if self.growing is not None:
            self.growing.close()
        self._done.set()

    def result(self, timeout: float = 30.0) -> Stored:
        """Wait for the answer. Raises what stood in the way; Unavailable when it takes longer than `timeout` seconds.

        An object that timed out may still be stored; sent again, it is found to be the same.
        """
        if not self._done.wait(timeout):
            raise Unavailable("Storing takes longer than it should.")
        if self._error is not None:
            raise self._error
        if self._stored is None:
            raise Unavailable("The object was not stored.")
        return self._stored


@dataclass(slots=True)
class Admission:
    """One walked object on its way through one attempt of the writer."""

    ticket: Ticket
    facts: Facts
    issuer: str
    pseudonym: str = ""
    study_key: KeyName | None = None
    patient_key: KeyName | None = None
    object_id: UUID = field(default_factory=uuid4)
    place: Place | None = None
    status: str = "stored"
    repeated: bool = False  # nothing of it is kept: the original, or an equal newcomer, is here already
    newcomer: Newcomer | None = None
    known_study: KeyName | None = None  # the key of the original's study, where the SOP Instance UID is known
    context: "Context | None" = None  # what is known of its series, if one like it was stored before
    named: bytes = b""  # what it has in common with others of its series (`archive.contexts`)
    indexed: tuple[UUID, UUID] | None = None  # the rows of its study and series, once inside the transaction
    # Of what lies in a pack already and is named anew: under which key, how often it was encrypted again, and what
    # reading it back has shown.
    sealed_under: KeyName | None = None
    generation: int = 0
    sha256: str = ""
    verified_at: datetime | None = None

    @property
    def actor(self) -> Actor:
        return self.ticket.actor

    @property
    def key_or_none(self) -> KeyName | None:
        """The key of its study, or that of the original's study for what is held back; None before there is one."""
        return self.known_study or self.study_key

    @property
    def key(self) -> KeyName:
        """The key that seals this object, or has sealed it."""
        key = self.sealed_under or self.key_or_none
        if key is None:
            raise ValueError("no key has been provided")
        return key

    @property
    def sender(self) -> str:
        """Whom the index names as the sender: the AE title on the wire, else the account."""
        return (self.actor.ae_title or self.actor.name)[:64]
