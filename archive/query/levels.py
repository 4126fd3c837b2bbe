"""The searches that edges ask for: studies, series, instances, the priors of a study, and one study's header."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts import gate, scope
from accounts.actors import Actor
from accounts.errors import NotVisible
from archive.models import Instance, Series, Study
from archive.query import below, candidates, checks, clear, listed, scan
from archive.query.criteria import Criteria, Page
from archive.query.listed import ListedStudy
from archive.query.opened import Cells
from archive.query.rows import Found, InstanceRow, SeriesRow, StudyRow
from archive.query.scan import Answer, Level
from audit.actions import Action

MOST_PRIORS = 200


def studies(actor: Actor, criteria: Criteria, page: Page) -> Found[StudyRow]:
    """The studies in the actor's scope that match, the newest first. Raises Forbidden or LogUnavailable."""
    receipt = gate.search(actor, _told("study", criteria, page))
    walk = _walk(actor, criteria, page)
    answer = scan.run(receipt, _studies(walk.studies), checks.of(criteria), page)
    _record_miss(actor, criteria, answer)
    last = answer.last
    if answer.more or answer.scanned_out:
        place = clear.place(last.date, last.uid) if last is not None else None
        return Found(answer.rows, answer.more, answer.scanned_out, place)
    return Found(answer.rows, False, walk.end is not None, clear.place(*walk.end) if walk.end else None)


def series(actor: Actor, criteria: Criteria, page: Page) -> Found[SeriesRow]:
    """The series that match, those of the newest studies first."""
    receipt = gate.search(actor, _told("series", criteria, page))
    wanted = below.series(criteria)
    walk = _walk(actor, criteria, page)
    walked = walk.studies.filter(below.having(wanted, criteria))
    rows = wanted.select_related("study__patient").order_by(*clear.order())
    level = Level(
        walked, rows, list[Series], ("study_id",), "series_count", lambda row: row.study, lambda row: row, Cells.series
    )
    answer = scan.run(receipt, level, checks.of(criteria), page)
    _record_miss(actor, criteria, answer)
    return Found(answer.rows, answer.more, answer.scanned_out or _stopped(walk, answer))


def instances(actor: Actor, criteria: Criteria, page: Page) -> Found[InstanceRow]:
    """The current instances that match, in the order of their studies, series and numbers."""
    receipt = gate.search(actor, _told("instance", criteria, page))
    wanted = below.instances(criteria)
    walk = _walk(actor, criteria, page)
    walked = walk.studies.filter(below.having(wanted, criteria))
    rows = wanted.select_related("series__study__patient").defer("frame_table_cell")
    rows = rows.order_by(*clear.order(series="series__", instances=True))
    level = Level(
        walked,
        rows,
        list[Instance],
        ("study_id", "series__study_id"),
        "instance_count",
        lambda row: row.series.study,
        lambda row: row.series,
        Cells.instance,
    )
    answer = scan.run(receipt, level, checks.of(criteria), page)
    _record_miss(actor, criteria, answer)
    return Found(answer.rows, answer.more, answer.scanned_out or _stopped(walk, answer))


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


@dataclass(frozen=True, slots=True)
class _Walk:
    """The studies in scope that match what is asked of studies, the newest first, and where they end, if others follow
    that are not looked through."""

    studies: "QuerySet[Study]"
    end: tuple[str, str] | None = None


def _walk(actor: Actor, criteria: Criteria, page: Page) -> _Walk:
    spoken = candidates.of(criteria)
    few, driven = below.few(criteria)
    wanted = clear.of_study(criteria, "") & spoken.filter & few & clear.after(page.after)
    studies = scope.limit(Study.objects.filter(wanted), actor, "uid").order_by(*clear.NEWEST)
    most = clear.most_walked(criteria)
    if most is None or spoken.driven or driven or criteria.study_uids or scope.has_few(actor):
        return _Walk(studies)
    through = Study.objects.filter(clear.dated(criteria) & clear.after(page.after)).order_by(*clear.NEWEST)
    last = list(through.values_list("date", "uid")[most - 1 : most + 1])
    # One more than may be looked through tells that some are left.
    return _Walk(studies.filter(clear.down_to(last[0])), last[0]) if len(last) > 1 else _Walk(studies)


def _stopped(walk: _Walk, answer: Answer[Any, Any]) -> bool:
    return walk.end is not None and not answer.more


def _studies(walked: "QuerySet[Study]") -> Level[ListedStudy, StudyRow]:
    rows = Study.objects.order_by(*clear.NEWEST)
    return Level(walked, rows, listed.read, (), "series_count", lambda row: row, lambda row: None, Cells.study)


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
