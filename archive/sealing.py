"""From walked objects to sealed records in packs: keys first, then bytes. Nothing here is inside a transaction."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from accounts.actors import Actor
from archive import contexts, duplicates, keys, packs
from archive.dataset import Facts
from archive.growing import Growing, Seal
from archive.models import Instance, Pack
from archive.tickets import Admission, Ticket
from audit.receipts import Who
from keystore import keys as keystore
from vault.objects import EMPTY_SLOTS, Kind, Slots, instance_slots
from vault.random import pseudonym

HEAD_VERSION = 1
PAD = "pad"
"""Blanks in a head that had to be as long as another (docs/FORMAT.md)."""

SLACK = 64
MOST_SIZE = (1 << 32) - 1
_WHO = tuple(field.name for field in fields(Who))


def admission(ticket: Ticket, facts: Facts, issuer: str = "") -> Admission:
    """What one attempt starts with. The patient id's issuer is the object's own, else the sender's, else ours.

    `issuer` is given where that was told when it came.
    """
    issuer = issuer or facts.text("issuer") or ticket.actor.issuer or settings.PACS_AE_TITLES[0]
    one = Admission(ticket, facts, issuer)
    like = contexts.find(one)
    one.pseudonym = like.pseudonym if like is not None else _pseudonym(facts, issuer)
    return one


def _pseudonym(facts: Facts, issuer: str) -> str:
    secret = keystore.installation_key("pseudonym").secret
    return pseudonym(secret, issuer, facts.text("patient_id"), facts.study_uid).hex()


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
        uids, pseudonyms = {one.facts.study_uid for one in others}, {one.pseudonym for one in others}
        names = keys.ensure_all({keys.STUDY: uids, keys.PATIENT: pseudonyms})
        for one in others:
            one.study_key = names[keys.STUDY, one.facts.study_uid]
            one.patient_key = names[keys.PATIENT, one.pseudonym]


def _put_away(one: Admission, original: Instance | None) -> None:
    if original is not None:
        duplicates.judge(one, original)
    if one.repeated:
        return
    if one.ticket.growing is not None:
        _grown(one, _seal(one, original if one.newcomer else None))
        return
    put_away_fresh(one)


def put_away_fresh(one: Admission) -> None:
    """Seal an object that is not here yet, its keys provided, and append it to its study's pack. Raises Unavailable."""
    kind = Kind.QUARANTINED if one.newcomer else Kind.INSTANCE
    slots = EMPTY_SLOTS if one.newcomer else _slots(one.facts)
    sealed = keys.sealing(one.key.id, kind, one.object_id, slots, one.ticket.part10)
    head = sealed_head(one.key.id, kind, one.object_id, _told(one), one.actor.who)
    one.place = packs.append(one.key.owner, head, sealed)


def begin(actor: Actor, facts: Facts) -> Growing:
    """Begin to seal an object of which only what identifies it is here yet. Nothing may name it before it is whole.

    Under a SOP Instance UID that is known it goes into quarantine. Raises Unavailable.
    """
    one = admission(Ticket(actor, timezone.now(), facts=facts), facts)
    original = duplicates.known([facts.sop_uid]).get(facts.sop_uid)
    if original is None:
        _provide_keys([one])
    else:
        one.known_study = keys.KeyName(original.study.key_id, original.study_id)
    return _begun(one, _seal(one, original))


def _seal(one: Admission, original: Instance | None) -> Seal:
    """How an object is sealed: as an instance, or as a newcomer held back under one."""
    if original is None:
        return Seal(one.key, Kind.INSTANCE, _slots(one.facts), one.facts.study_uid)
    return Seal(one.key, Kind.QUARANTINED, EMPTY_SLOTS, original.study.uid, original.id)


def _begun(one: Admission, seal: Seal) -> Growing:
    """A record with a head that says nothing true yet, as long as the true one will be."""
    object_id = uuid4()
    told = _told(one) | {"size": MOST_SIZE, PAD: " " * SLACK}
    if seal.of is not None:
        told["of"] = str(seal.of)
    return Growing(seal, object_id, sealed_head(seal.key.id, seal.kind, object_id, told, one.actor.who))


def _grown(one: Admission, seal: Seal) -> None:
    """Make the record whole that was sealed as its object arrived, or seal it again where that was in vain."""
    growing = one.ticket.growing
    if growing is None:
        raise ValueError("nothing has arrived")
    if not growing.serves(seal) or _is_taken(growing) or (head := _padded(one, growing)) is None:
        growing = one.ticket.growing = _again(one, growing, seal)
        head = _padded(one, growing)
    if head is None:
        raise ValueError("a head is longer than it was before")
    one.object_id, one.place = growing.object_id, growing.complete(head)


def _padded(one: Admission, growing: Growing) -> bytes | None:
    """The true head, exactly as long as the one it takes the place of; None where it is longer."""
    told = _told(one) | {PAD: ""}
    seal = growing.seal

    def sealed() -> bytes:
        return sealed_head(seal.key.id, seal.kind, growing.object_id, told, one.actor.who)

    told[PAD] = " " * (growing.head_length - len(sealed()))
    head = sealed()
    return head if len(head) == growing.head_length else None


def _is_taken(growing: Growing) -> bool:
    """Whether somebody else has named its pack since it is whole: a rebuild of the index, or a sweep."""
    return growing.whole and Pack.objects.filter(name=growing.name).exclude(id=growing.pack).exists()


def _again(one: Admission, before: Growing, seal: Seal) -> Growing:
    """Seal what was sealed under another key, or as what it turned out not to be."""
    after = _begun(one, seal)
    try:
        for piece in duplicates.arrived(one):
            after.add(piece)
        after.end()
    except BaseException:
        after.close()
        raise
    before.close()
    return after


def _told(one: Admission) -> dict[str, Any]:
    told = {"issuer": one.issuer, "sender": one.sender, "arrived_us": microseconds(one.ticket.arrived)}
    if one.newcomer is not None:
        told["of"] = str(one.newcomer.instance)
    return described(one.facts) | told


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
