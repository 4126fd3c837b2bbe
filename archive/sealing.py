"""From walked objects to sealed records in packs: keys first, then bytes. Nothing here is inside a transaction."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError

from archive import contexts, duplicates, keys, packs
from archive.dataset import Facts
from archive.models import Instance
from archive.tickets import Admission, Ticket
from audit.receipts import Who
from keystore import keys as keystore
from vault.objects import EMPTY_SLOTS, Kind, Slots, instance_slots
from vault.random import pseudonym

HEAD_VERSION = 1
_WHO = tuple(field.name for field in fields(Who))


def admission(ticket: Ticket, facts: Facts, issuer: str = "") -> Admission:
    """What one attempt starts with. The patient id's issuer is the object's own, else the sender's, else ours.

    `issuer` is given where that was told when it came.
    """
    issuer = issuer or facts.text("issuer") or ticket.actor.issuer or settings.PACS_AE_TITLES[0]
    secret = keystore.installation_key("pseudonym").secret
    patient = pseudonym(secret, issuer, facts.text("patient_id"), facts.study_uid).hex()
    return Admission(ticket, facts, issuer, patient)


def put_away(admissions: list[Admission]) -> dict[int, Exception]:
    """Seal objects into packs: as instances, or into quarantine when their UID is known. Not yet durable.

    What we have already is not kept again. Returns the error of each that failed, by its position in the list.
    """
    known = duplicates.known({one.facts.sop_uid for one in admissions})
    _provide_keys([one for one in admissions if one.facts.sop_uid not in known])
    failed: dict[int, Exception] = {}
    for number, one in enumerate(admissions):
        try:
            _put_away(one, known.get(one.facts.sop_uid))
        except (OperationalError, InterfaceError):
            raise  # The database is away or busy: everybody is tried again.
        except Exception as error:  # noqa: BLE001 - whatever one object does, it must not take its neighbours with it
            failed[number] = error
    return failed


def _provide_keys(admissions: list[Admission]) -> None:
    """Make sure that every study and patient has its key, durably, before a byte is sealed under it."""
    for one in admissions:
        one.context = contexts.find(one)
        if one.context is not None:
            one.study_key, one.patient_key = one.context.study_key, one.context.patient_key
    others = [one for one in admissions if one.context is None]
    if others:
        studies = keys.ensure(keys.STUDY, {one.facts.study_uid for one in others})
        patients = keys.ensure(keys.PATIENT, {one.pseudonym for one in others})
        for one in others:
            one.study_key, one.patient_key = studies[one.facts.study_uid], patients[one.pseudonym]


def _put_away(one: Admission, original: Instance | None) -> None:
    if original is not None:
        duplicates.judge(one, original)
    if one.repeated:
        return
    kind = Kind.QUARANTINED if one.newcomer else Kind.INSTANCE
    slots = EMPTY_SLOTS if one.newcomer else _slots(one.facts)
    sealed = keys.seal(one.key.id, kind, one.object_id, slots, one.ticket.part10)
    told = {"issuer": one.issuer, "sender": one.sender, "arrived_us": microseconds(one.ticket.arrived)}
    if one.newcomer is not None:
        told["of"] = str(one.newcomer.instance)
    head = sealed_head(one.key.id, kind, one.object_id, described(one.facts) | told, one.actor.who)
    one.place = packs.append(one.key.owner, head, sealed)


def _slots(facts: Facts) -> Slots:
    return instance_slots(facts.study_uid, facts.series_uid, facts.sop_uid)


def described(facts: Facts) -> dict[str, Any]:
    """What a head says of an instance, so that it can be found without being opened."""
    return {
        "study": facts.study_uid,
        "series": facts.series_uid,
        "instance": facts.sop_uid,
        "class": facts.sop_class,
        "syntax": facts.transfer_syntax,
        "size": facts.size,
    }


def sealed_head(
    key: UUID, kind: Kind, object_id: UUID, told: dict[str, Any], who: Who | None = None, generation: int = 0
) -> bytes:
    """The record's head (kind 8): what the object does not say itself but a rebuild of index and record needs."""
    # Sorted keys, ASCII names and whole numbers: what orjson writes is the canonical form of RFC 8785.
    head = {"version": HEAD_VERSION, "kind": int(kind), "object": str(object_id), "generation": generation, **told}
    if who is not None:
        head["actor"] = {name: getattr(who, name) for name in _WHO}
    return keys.seal(
        key, Kind.HEAD, object_id, EMPTY_SLOTS, orjson.dumps(head, option=orjson.OPT_SORT_KEYS), generation
    )


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly (a float would lose the last digits)."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
