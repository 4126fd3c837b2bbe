"""The rows of accepted objects: patients, studies, series, instances, their sealed cells and search tokens.

Everything here runs inside the writer's one transaction, set by set rather than object by object, and in one order
(patients, studies, series, instances), so that two processes never wait for each other in a circle.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseFault

from archive import contexts, index_patients, index_studies, keys, packs, statements
from archive.columns import cell_name
from archive.contexts import Context
from archive.dataset import Facts
from archive.errors import Unavailable
from archive.jobs import Work
from archive.models import Held, Instance, Pack, Series, Study
from archive.packs import Place
from archive.tickets import Admission
from audit import plain_models

# Kinds of work on a series that got something new, and after how many seconds: metadata waits until it is quiet.
AFTER_STORE = {"preview": 5.0, "digest": 10.0, "metadata": 30.0}
REINDEX = "reindex"
FRAME_TABLE = cell_name("instance", "frame_table_cell")


def record(admissions: list[Admission]) -> None:
    """Write the rows of all admissions of one flush whose bytes are durable; what is `repeated` needs none."""
    stored = [one for one in admissions if one.place is not None]
    fresh = [one for one in stored if one.newcomer is None]
    places = {one.place.pack: one.place for one in stored if one.place is not None}
    name_packs(places[pack] for pack in contexts.unrecorded(places))
    _fully([one for one in fresh if one.context is None])
    _counted([one for one in fresh if one.context is not None])
    _held_back([one for one in stored if one.newcomer is not None])


def committed(admissions: list[Admission], promised: list[Work]) -> None:
    """Remember what the transaction that has just been committed makes sure of."""
    contexts.recorded(one.place.pack for one in admissions if one.place is not None)
    for one in admissions:
        if one.indexed is not None and (one.context is None or one.context.fades):
            contexts.remember(one, *one.indexed, _taken(one))
        elif one.context is not None:
            contexts.claim(one.context, one.facts.sop_uid)
    for work in promised:
        contexts.promised(work.kind, work.subject, work.due_in)


def _taken(one: Admission) -> list[str] | None:
    """What the series of an object has, where a device sent it, whose next ones may be answered ahead of their rows."""
    if one.actor.kind != "device" or one.indexed is None:
        return None
    try:
        return statements.uids_of(one.indexed[1], contexts.MOST_TAKEN)
    except DatabaseFault:
        return None


def name_packs(places: Iterable[Place]) -> None:
    """The rows of the packs of these places. Raises Unavailable where somebody has named one by another row."""
    rows = {place.pack: Pack(id=place.pack, study=place.study_row, name=place.name) for place in places}
    if not rows:
        return
    plain_models.insert(Pack, rows.values(), ignore=True)
    there = {row.id for row in plain_models.select(Pack, "id", rows)}
    if taken := [row.name for row in rows.values() if row.id not in there]:
        # The index was made anew, or the pack swept, while it was written: what follows goes into another one.
        packs.leave(taken)
        raise Unavailable("A pack was named by somebody else meanwhile.")


def _fully(fresh: list[Admission]) -> None:
    """Objects of which this process has not seen the like: every row they need is looked for, made and completed."""
    if not fresh:
        return
    patients = index_patients.ensure(fresh)
    studies = index_studies.ensure(fresh, patients)
    series = index_studies.ensure_series(fresh, studies)
    for one in fresh:
        study = studies[one.facts.study_uid]
        if one.study_key is None or study.key_id != one.study_key.id:
            # Given another key, or removed and received anew: what was sealed under the old one must be sealed again.
            raise Unavailable("The key of this study changed.")
        one.indexed = study.id, series[one.facts.study_uid, one.facts.series_uid].id
    statements.insert(Instance, [_instance(one, *one.indexed) for one in fresh if one.indexed])
    _count(fresh, studies, series)


def _counted(fresh: list[Admission]) -> None:
    """Objects like others before them: counts rise, and their own rows are added."""
    alike: dict[tuple[str, str], tuple[Context, list[Admission]]] = {}
    for one in fresh:
        if one.context is not None:
            one.indexed = one.context.study, one.context.series
            alike.setdefault(one.context.order, (one.context, []))[1].append(one)
    for _, (context, ours) in sorted(alike.items()) if len(alike) > 1 else alike.items():
        size, arrived = sum(one.facts.size for one in ours), max(one.ticket.arrived for one in ours)
        there = statements.count_study(context.study, context.study_key.id, len(ours), size, arrived)
        if not there or not statements.count_series(context.series, context.study, len(ours)):
            contexts.drop(context.study)
            raise Unavailable("The study changed while it was being received.")
    statements.insert(Instance, [_instance(one, *one.indexed) for one in fresh if one.indexed])


def _instance(one: Admission, study: UUID, series: UUID) -> dict[str, Any]:
    if one.place is None:
        raise ValueError("nothing was sealed")
    return instance(one.facts, one.object_id, one.key.id, one.place, one.ticket.table, one.ticket.frames) | {
        "study_id": study,
        "series_id": series,
        "sender": one.sender,
        "received_at": one.ticket.arrived,
        "generation": one.generation,
        "sha256": one.sha256,
        "verified_at": one.verified_at,
    }


def instance(facts: Facts, row: UUID, key: UUID, place: Place, table: bytes, frames: int) -> dict[str, Any]:
    """The columns of an instance's row that its facts give; study, series, sender and arrival are the caller's to add.

    As names and values, since to make a row of the model takes longer than to write it.
    """
    return {
        "id": row,
        "uid": facts.sop_uid,
        "current": True,
        "sop_class": facts.sop_class,
        "transfer_syntax": facts.transfer_syntax,
        "number": facts.number("number"),
        "rows": facts.number("rows"),
        "columns": facts.number("columns"),
        "bits_allocated": facts.number("bits_allocated"),
        "frames": frames,
        "size": facts.size,
        "dataset_offset": facts.dataset_offset,
        "frame_table_cell": keys.seal_cell(key, FRAME_TABLE, row, table),
        "pack_id": place.pack,
        "offset": place.offset,
        "length": place.length,
        "key_id": key,
        "damaged_at": None,
    }


def _held_back(newcomers: list[Admission]) -> None:
    """Newcomers under a known UID, sealed under the key which the original's study still has."""
    if not newcomers:
        return
    names = {one.known_study for one in newcomers if one.known_study is not None}
    locked = Study.objects.select_for_update().filter(id__in=[name.owner for name in names]).order_by("uid")
    present = dict(locked.values_list("id", "key_id"))
    if any(present.get(name.owner) != name.id for name in names):
        raise Unavailable("The key of this study changed.")
    Held.objects.bulk_create([_held(one) for one in newcomers])


def _held(one: Admission) -> Held:
    facts = one.facts
    if one.place is None or one.newcomer is None:
        raise ValueError("nothing was sealed into quarantine")
    return Held(
        id=one.object_id,
        study_id=one.newcomer.study_row,
        instance_id=one.newcomer.instance,
        sop_class=facts.sop_class,
        study_uid=facts.study_uid,
        series_uid=facts.series_uid,
        transfer_syntax=facts.transfer_syntax,
        digest=one.newcomer.digest,
        size=facts.size,
        dataset_offset=facts.dataset_offset,
        sender=one.sender,
        received_at=one.ticket.arrived,
        pack_id=one.place.pack,
        offset=one.place.offset,
        length=one.place.length,
        key_id=one.key.id,
        generation=one.generation,
    )


def _count(fresh: list[Admission], studies: dict[str, Study], series: dict[tuple[str, str], Series]) -> None:
    """Raise counts, size, modalities and arrival of each study and series once per flush."""
    for uid, study in sorted(studies.items()):
        ours = [one for one in fresh if one.facts.study_uid == uid]
        study.instance_count += len(ours)
        study.size += sum(one.facts.size for one in ours)
        study.last_received_at = max([study.last_received_at, *(one.ticket.arrived for one in ours)])
        modalities = {*study.modalities.split("\\"), *(one.facts.text("modality") for one in ours)} - {""}
        study.modalities = "\\".join(sorted(modalities))[:120]
        plain_models.update(study, index_studies.CHANGING)
    for name, row in sorted(series.items()):
        arrived = sum((one.facts.study_uid, one.facts.series_uid) == name for one in fresh)
        statements.count_series(row.id, row.study_id, arrived)


def work(admissions: Iterable[Admission]) -> list[Work]:
    """What is to be done after the answer and not promised yet: on series that grew, and with newcomers."""
    ours = list(admissions)
    strange = {one.pseudonym for one in ours if one.indexed and one.context is None}
    anew = index_patients.tokenless(strange) if strange else ()
    series = sorted({str(one.indexed[1]) for one in ours if one.indexed})
    wanted = [Work(kind, subject, due_in) for subject in series for kind, due_in in AFTER_STORE.items()]
    work = [one for one in wanted if contexts.unpromised(one.kind, one.subject)]
    work += [Work(REINDEX, str(patient)) for patient in anew]
    return work + [Work("compare", str(one.object_id)) for one in ours if one.newcomer is not None]
