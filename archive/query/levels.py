"""The searches that edges ask for: studies, series, instances, the priors of a study, and one study's header."""

from typing import Any

from django.db.models import QuerySet

from accounts import gate, scope
from accounts.actors import Actor
from accounts.errors import NotVisible
from archive.models import Study
from archive.query import below, candidates, checks, clear, scan
from archive.query.criteria import Criteria, Page
from archive.query.opened import Cells
from archive.query.rows import Found, InstanceRow, SeriesRow, StudyRow
from archive.query.scan import Answer, Level
from audit.actions import Action

MOST_PRIORS = 200

_OF_STUDY = ("patient", "description", "referring")


def studies(actor: Actor, criteria: Criteria, page: Page) -> Found[StudyRow]:
    """The studies in the actor's scope that match, the newest first. Raises Forbidden or LogUnavailable."""
    receipt = gate.search(actor, _told("study", criteria, page))
    walked = _walked(actor, criteria).filter(clear.after(page.after))
    answer = scan.run(receipt, _studies(walked), checks.of(criteria), page)
    _record_miss(actor, criteria, answer)
    last = answer.last
    goes_on = answer.more or answer.scanned_out
    place = clear.place(last.date, last.uid) if last is not None and goes_on else None
    return Found(answer.rows, answer.more, answer.scanned_out, place)


def series(actor: Actor, criteria: Criteria, page: Page) -> Found[SeriesRow]:
    """The series that match, those of the newest studies first."""
    receipt = gate.search(actor, _told("series", criteria, page))
    wanted = below.series(criteria)
    walked = _walked(actor, criteria).filter(below.having(wanted))
    rows = wanted.select_related(*_under("study"), "description", "performing").order_by(*clear.order())
    level = Level(walked, rows, ("study_id",), lambda row: row.study, lambda row: row, Cells.series)
    answer = scan.run(receipt, level, checks.of(criteria), page)
    _record_miss(actor, criteria, answer)
    return Found(answer.rows, answer.more, answer.scanned_out)


def instances(actor: Actor, criteria: Criteria, page: Page) -> Found[InstanceRow]:
    """The current instances that match, in the order of their studies, series and numbers."""
    receipt = gate.search(actor, _told("instance", criteria, page))
    wanted = below.instances(criteria)
    walked = _walked(actor, criteria).filter(below.having(wanted))
    related = (*_under("series__study"), "series__description", "series__performing")
    rows = wanted.select_related(*related).defer("frame_table_cell")
    rows = rows.order_by(*clear.order(series="series__", instances=True))
    level = Level(
        walked,
        rows,
        ("study_id", "series__study_id"),
        lambda row: row.series.study,
        lambda row: row.series,
        Cells.instance,
    )
    answer = scan.run(receipt, level, checks.of(criteria), page)
    _record_miss(actor, criteria, answer)
    return Found(answer.rows, answer.more, answer.scanned_out)


def study(actor: Actor, study_uid: str) -> StudyRow:
    """One study's header, on record as listed. Raises NotVisible where it is unknown or not this actor's to see."""
    found = _listed(actor, {"level": "study", "study_uids": [study_uid]}, Study.objects.filter(uid=study_uid), 1)
    if not found:
        raise _missed(actor, study_uid)
    return found[0]


def priors(actor: Actor, study_uid: str) -> tuple[StudyRow, ...]:
    """The other studies of the same patient in the actor's scope, the newest first. Raises NotVisible for the study."""
    base = scope.limit(Study.objects.filter(uid=study_uid), actor, "uid").first()
    if base is None:
        raise _missed(actor, study_uid)
    others = Study.objects.filter(patient_id=base.patient_id).exclude(pk=base.pk)
    return _listed(actor, {"level": "study", "priors_of": study_uid}, others, MOST_PRIORS)


def _listed(actor: Actor, told: dict[str, Any], rows: "QuerySet[Study]", most: int) -> tuple[StudyRow, ...]:
    receipt = gate.search(actor, told)
    walked = scope.limit(rows, actor, "uid").order_by(*clear.NEWEST)
    return scan.run(receipt, _studies(walked), (), Page(most)).rows


def _walked(actor: Actor, criteria: Criteria) -> "QuerySet[Study]":
    """The studies in scope that match what is asked of studies, the newest first."""
    wanted = clear.of_study(criteria, "") & candidates.of(criteria).filter & below.few(criteria)
    return scope.limit(Study.objects.filter(wanted), actor, "uid").order_by(*clear.NEWEST)


def _studies(walked: "QuerySet[Study]") -> Level[Study, StudyRow]:
    rows = Study.objects.select_related(*_OF_STUDY).order_by(*clear.NEWEST)
    return Level(walked, rows, ("id",), lambda row: row, lambda row: None, Cells.study)


def _under(study: str) -> tuple[str, ...]:
    return tuple(f"{study}__{name}" for name in _OF_STUDY)


def _told(level: str, criteria: Criteria, page: Page) -> dict[str, object]:
    """What the record keeps of a search, sealed."""
    place = {"offset": page.offset} if page.offset else {"after": page.after} if page.after else {}
    return {"level": level, **criteria.asked(), "limit": page.limit, **place}


def _record_miss(actor: Actor, criteria: Criteria, answer: Answer[Any, Any]) -> None:
    """A search that names one study which this actor may not see, or nobody has, is a miss worth its own event."""
    if answer.rows or len(criteria.study_uids) != 1:
        return
    (study_uid,) = criteria.study_uids
    if scope.covers(actor, study_uid) is False:
        _missed(actor, study_uid)


def _missed(actor: Actor, study_uid: str) -> NotVisible:
    """Record that a study was asked for in vain; return the refusal."""
    try:
        gate.disclose(actor, Action.SEARCH, study_uid, found=Study.objects.filter(uid=study_uid).exists())
    except NotVisible as error:
        return error
    return NotVisible()
