"""What the log is told of one flush: one event per sender, study and kind of outcome, the instances sealed in it."""

from collections import defaultdict
from uuid import uuid4

import orjson

from archive import keys
from archive.tickets import Admission, Ticket
from audit import log
from audit.actions import Action, Outcome
from audit.log import Event


def events(admissions: list[Admission], refusals: list[Ticket]) -> list[Event]:
    """The events of everybody in one flush."""
    folded: dict[tuple[object, ...], list[Admission]] = defaultdict(list)
    for one in admissions:
        folded[one.actor.who, _action(one), one.facts.study_uid, one.key_or_none].append(one)
    refused: dict[tuple[object, ...], list[Ticket]] = defaultdict(list)
    for ticket in refusals:
        refused[ticket.actor.who, type(ticket.refusal), str(ticket.refusal)].append(ticket)
    return [*map(_stored, folded.values()), *map(_refused, refused.values())]


def _action(one: Admission) -> Action:
    if one.repeated:
        return Action.DUPLICATE
    return Action.HELD_BACK if one.newcomer else Action.STORE


def _stored(ours: list[Admission]) -> Event:
    first, identifier = ours[0], uuid4()
    details = {
        "instances": [one.facts.sop_uid for one in ours],
        "classes": sorted({one.facts.sop_class for one in ours}),
        "syntaxes": sorted({one.facts.transfer_syntax for one in ours}),
        "statuses": sorted({one.status for one in ours}),
    }
    told = orjson.dumps(details)
    key = first.key_or_none
    return Event(
        _action(first),
        Outcome.OK,
        first.actor.who,
        study_uid=first.facts.study_uid,
        patient=first.pseudonym,
        count=len(ours),
        sealed=(key.id, keys.seal_cell(key.id, log.DETAILS, identifier, told)) if key else None,
        details=None if key else details,
        id=identifier,
    )


def _refused(ours: list[Ticket]) -> Event:
    first = ours[0]
    return Event(
        Action.REJECTED,
        Outcome.FAILED,
        first.actor.who,
        study_uid=first.facts.study_uid if first.facts else "",
        count=len(ours),
        details={"refused": type(first.refusal).__name__, "reason": str(first.refusal)},
    )
