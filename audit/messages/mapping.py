"""One row of the record as an audit message of PS3.15 A.5. Pure: rows in, values out; nothing sealed is looked at.

Patients stand in it by pseudonym alone. What was sealed (criteria, details) stays where it is; the last object of each
message names the row, so that whoever may read the record finds it there.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from audit.actions import Outcome
from audit.messages import codes, kinds
from audit.messages.codes import Code
from audit.messages.kinds import Kind, Parts
from audit.rows import Row

SEVERITY = {Outcome.OK: 0, Outcome.NOT_FOUND: 4, Outcome.DENIED: 8, Outcome.FAILED: 12}
"""EventOutcomeIndicator: success, and minor, serious and major failure."""


@dataclass(frozen=True, slots=True)
class Source:
    """The archive that speaks: the name of its log (`custos/<uuid>`), and the machine's name."""

    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Participant:
    """ActiveParticipant. `point` is (NetworkAccessPointID, its type: 1 a machine's name, 2 an address)."""

    user: str
    requestor: bool
    name: str = ""
    alternative: str = ""
    roles: tuple[Code, ...] = ()
    point: tuple[str, str] | None = None
    media: Code | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """ParticipantObjectIdentification. `details` are (type, text)."""

    id: str
    id_code: Code
    type: str
    role: str
    name: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """AuditMessage. `row` is the object that names the row of the log; it stands last and is never left out."""

    event: Code
    letter: str
    time: str
    outcome: int
    types: tuple[Code, ...]
    participants: tuple[Participant, ...]
    source: Source
    row: Thing
    things: tuple[Thing, ...] = field(default=())


def message(row: Row, listed: tuple[str, ...], chained: bytes, source: Source) -> Message:
    """The message for a row, the studies that it lists, and its hash over everything before it."""
    kind = kinds.of(row.action)
    own_type = codes.own(row.action, row.action)
    return Message(
        event=kind.event,
        letter=kind.letter,
        time=_time(row.time_us),
        outcome=_severity(row.outcome),
        types=(kind.type, own_type) if kind.type else (own_type,),
        participants=_participants(kind, row, source),
        source=source,
        row=_row(row, listed, chained, source),
        things=_things(kind, row, listed, source),
    )


def unreadable(log: int, seq: int, time_us: int, source: Source) -> Message:
    """What is said in place of a row that somebody edited past the program, so that the ones behind it still go out."""
    told = (("log", str(log)), ("seq", str(seq)), ("Alert Description", "this row of the record cannot be read"))
    return Message(
        event=codes.SECURITY_ALERT,
        letter="E",
        time=_time(time_us),
        outcome=SEVERITY[Outcome.FAILED],
        types=(kinds.UNKNOWN.type or codes.RESTRICTED_FUNCTION, codes.own("log:unreadable", "log:unreadable")),
        participants=(_us(source, requestor=True),),
        source=source,
        row=_place(log, seq, source, told),
    )


def _time(time_us: int) -> str:
    seconds, micros = divmod(time_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"


def _severity(outcome: str) -> int:
    return next((number for known, number in SEVERITY.items() if known == outcome), SEVERITY[Outcome.FAILED])


def _participants(kind: Kind, row: Row, source: Source) -> tuple[Participant, ...]:
    # The order is that of the tables of A.5.3: who sends, who receives, who else.
    match kind.parts:
        case Parts.RECEIVED | Parts.QUERY:
            return _actor(row, codes.ROLE_SOURCE), _us(source, codes.ROLE_DESTINATION)
        case Parts.SENT:
            return _us(source, codes.ROLE_SOURCE), _actor(row, codes.ROLE_DESTINATION)
        case Parts.EXPORTED:
            return _actor(row, codes.ROLE_SOURCE), _us(source, codes.ROLE_SOURCE), _medium(row)
        case Parts.APPLICATION:
            return _us(source, codes.ROLE_APPLICATION), _actor(row, codes.ROLE_LAUNCHER)
        case _:
            return _actor(row), _us(source)


def _actor(row: Row, *roles: Code) -> Participant:
    """Whoever acted, as the row has it. A role of the hospital's own comes behind the one that the message asks for."""
    named = (codes.own(row.actor_role, row.actor_role),) if row.actor_role else ()
    return Participant(
        user=row.actor_key or row.actor_kind or "-",
        requestor=True,
        name=row.actor_name,
        alternative=f"AETITLE={row.actor_ae_title}" if row.actor_ae_title else "",
        roles=(*roles, *named),
        point=(row.actor_address, "2") if row.actor_address else None,
    )


def _us(source: Source, *roles: Code, requestor: bool = False) -> Participant:
    return Participant(source.name, requestor, "Custos", roles=roles, point=(source.host, "1"))


def _medium(row: Row) -> Participant:
    place = row.actor_address or "-"
    point = (row.actor_address, "2") if row.actor_address else None
    return Participant(place, requestor=False, roles=(codes.ROLE_MEDIA,), point=point, media=codes.MEDIA_URI)


def _things(kind: Kind, row: Row, listed: tuple[str, ...], source: Source) -> tuple[Thing, ...]:
    things: list[Thing] = []
    if kind.parts is Parts.LOG:
        things.append(Thing(f"urn:{source.name}", codes.ID_URI, "2", "13", "Security Audit Log"))
    if kind.parts is Parts.QUERY:
        things.append(Thing(codes.STUDY_ROOT_FIND, codes.ID_CLASS, "2", "3", "Criteria are sealed in the record"))
    if row.study_uid:
        things.append(_study(row.study_uid, row.count if kind.parts is not Parts.QUERY else None))
    if row.patient:
        things.append(Thing(row.patient, codes.ID_PATIENT, "1", "1", "Pseudonym"))
    return (*things, *(_study(uid) for uid in listed))


def _study(uid: str, count: int | None = None) -> Thing:
    details = (("count", str(count)),) if count else ()
    return Thing(uid, codes.ID_STUDY, "2", "3", "Study", details)


def _row(row: Row, listed: tuple[str, ...], chained: bytes, source: Source) -> Thing:
    """What ties the message to the record: which row, and the hash with which everything before it stands and falls."""
    told = {
        "log": str(row.log),
        "seq": str(row.seq),
        "row": chained.hex(),
        "id": str(row.id),
        "action": row.action,
        "outcome": row.outcome,
        "count": str(row.count),
        "listed": str(len(listed)) if listed else "",
        "purpose": row.purpose,
        "sitting": str(row.sitting or ""),
        "request": row.request_id,
        "session": row.actor_session,
    }
    alert = kinds.of(row.action).parts is Parts.ALERT
    described = (("Alert Description", row.action),) if alert else ()
    kept = tuple((name, text) for name, text in told.items() if text)
    return _place(row.log, row.seq, source, (*kept, *described))


def _place(log: int, seq: int, source: Source, details: tuple[tuple[str, str], ...]) -> Thing:
    return Thing(f"urn:{source.name}#{log}/{seq}", codes.ID_URI, "2", "13", "Row of the record", details)
