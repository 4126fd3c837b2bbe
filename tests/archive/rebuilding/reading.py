"""The whole index by natural keys, every cell opened: what a rebuild must bring back."""

from typing import Any
from uuid import UUID

from accounts import gate, identify
from accounts.models import Access
from archive import keys
from archive.columns import cell_name
from archive.models import Held, Instance, Pack, Patient, Phrase, Rendition, Series, Study
from archive.openers import Opener
from audit.actions import Action

Index = dict[str, dict[Any, Any]]
_RANDOM = {"id", "study_id", "series_id", "instance_id", "pack_id", "patient_id", "description_id", "referring_id"}
_RANDOM |= {"performing_id"}
_PLACES = ("instances", "renditions", "held")


def index() -> Index:
    """Every row of the index by what names it for ever."""
    openers = {uid: _opener(uid) for uid in Study.objects.values_list("uid", flat=True)}
    some = next(iter(openers.values()), None)
    return {
        "patients": {row.pseudonym: _patient(row, openers) for row in Patient.objects.all()},
        "studies": {row.uid: _study(row, openers[row.uid]) for row in Study.objects.all()},
        "series": {(row.study.uid, row.uid): _series(row, openers[row.study.uid]) for row in Series.objects.all()},
        "instances": {row.id: _stored(row, openers[row.study.uid]) for row in Instance.objects.all()},
        "renditions": {row.id: _stored(row, openers[row.study.uid]) for row in Rendition.objects.all()},
        "held": {row.id: _stored(row, openers[row.study.uid]) for row in Held.objects.all()},
        "phrases": {(row.column, row.digest): _phrase(row, some) for row in Phrase.objects.all()},
        "packs": _packs(),
        "access": dict.fromkeys(Access.objects.values_list("audience", "study_uid", "date", "until", "rule")),
    }


def _opener(study_uid: str) -> Opener:
    actor = identify.system("tend")
    return keys.unlock(gate.disclose(actor, Action.SCRUBBED, study_uid, found=True), study_uid)


def _plain(row: Any, opener: Opener | None) -> dict[str, Any]:
    """The columns of a row, its cells opened, without ids that are drawn by lot."""
    found = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.attname.endswith("_cell"):
            table = type(row).__name__.lower()
            value = opener.cell(cell_name(table, field.attname), row.id, value) if opener else None
        if field.attname not in _RANDOM:
            found[field.attname] = value
    return found


def _tokens(row: Any) -> set[tuple[int, int]]:
    return set(row.tokens.values_list("column", "token"))


def _patient(row: Patient, openers: dict[str, Opener]) -> dict[str, Any]:
    study = row.studies.first()
    opener = openers[study.uid] if study is not None else None
    return {**_plain(row, opener), "id": row.id, "tokens": _tokens(row)}


def _study(row: Study, opener: Opener) -> dict[str, Any]:
    more = {"id": row.id, "tokens": _tokens(row), "patient": row.patient.pseudonym}
    return {**_plain(row, opener), **more, **_spoken(opener, row.description, row.referring)}


def _series(row: Series, opener: Opener) -> dict[str, Any]:
    return {**_plain(row, opener), **_spoken(opener, row.description, row.performing)}


def _spoken(opener: Opener, *phrases: Phrase | None) -> dict[str, Any]:
    return {f"phrase {number}": one and _phrase(one, opener) for number, one in enumerate(phrases)}


def _phrase(row: Phrase, opener: Opener | None) -> dict[str, Any]:
    return {**_plain(row, opener), "tokens": _tokens(row)}


def _stored(row: Any, opener: Opener) -> dict[str, Any]:
    found = _plain(row, opener)
    found["pack"] = row.pack.name if row.pack else None
    found["study"] = row.study.uid
    for name in ("series", "instance"):
        one = getattr(row, name, None)
        found[name] = one.uid if one is not None else None
    for moment in ("verified_at", "decided_at"):
        if moment in found:
            found[moment] = found[moment] is not None
    return found


def _packs() -> dict[str, UUID]:
    """Packs in which anything is named: the others are nobody's loss."""
    named = {one["pack"] for table in (Instance, Rendition, Held) for one in table._default_manager.values("pack")}
    return {row.name: row.study for row in Pack.objects.filter(id__in=named - {None})}
