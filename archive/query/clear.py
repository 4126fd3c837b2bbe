"""Criteria over clear columns, and the order of answers: newest study first, then by UID and number."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from archive.models import Series
from archive.query.criteria import Criteria, Span

NEWEST = ("-date", "-uid")
MOST_WALKED, MOST_WALKED_BELOW = 20_000, 1_000
"""Studies that one search looks through for what no index has, of the study itself or of its instances; then it says
that it stopped, and where."""

_UNINDEXED: dict[str, Any] = {
    "study_time": Span(),
    "sop_classes": (),
    "instance_number": None,
}


def of_study(criteria: Criteria, study: str) -> Q:
    """The filter of what is asked of studies; `study` leads from the searched row to its study."""
    wanted = _dates(criteria.study_date, f"{study}date") & _times(criteria.study_time, f"{study}time")
    wanted &= _one_of(criteria.study_uids, f"{study}uid")
    if criteria.modalities:
        link = OuterRef(f"{study}id" if study else "id")
        wanted &= Q(Exists(Series.objects.filter(study=link, modality__in=criteria.modalities)))
    return wanted


def of_series(criteria: Criteria, series: str) -> Q:
    """The filter of what is asked of series."""
    wanted = _one_of(criteria.series_uids, f"{series}uid") & _one_of(criteria.modality, f"{series}modality")
    wanted &= _dates(criteria.series_date, f"{series}date")
    if criteria.series_number is not None:
        wanted &= Q(**{f"{series}number": criteria.series_number})
    return wanted


def of_instance(criteria: Criteria) -> Q:
    """The filter of what is asked of instances."""
    wanted = _one_of(criteria.sop_uids, "uid") & _one_of(criteria.sop_classes, "sop_class")
    if criteria.instance_number is not None:
        wanted &= Q(number=criteria.instance_number)
    return wanted


def indexed(criteria: Criteria) -> Criteria:
    """The same without what no index begins with: rows that have it can only be looked for one by one."""
    return replace(criteria, **_UNINDEXED)


def most_walked(criteria: Criteria) -> int | None:
    """How many studies are looked through at most for what no index begins with; None where nothing such is asked."""
    if criteria.instance_number is not None or criteria.sop_classes:
        return MOST_WALKED_BELOW
    return MOST_WALKED if criteria.study_time else None


def down_to(where: tuple[str, str]) -> Q:
    """The studies down to that place (date, UID), itself included."""
    date, uid = where
    return Q(date__gte=date) & (Q(date__gt=date) | Q(uid__gte=uid))


def dated(criteria: Criteria) -> Q:
    """The studies of the dates that are asked."""
    return _dates(criteria.study_date, "date")


def order(*, series: str = "", instances: bool = False) -> tuple[Any, ...]:
    """The order of series, or of instances."""
    first = ("-study__date", "-study__uid", F(f"{series}number").asc(nulls_last=True), f"{series}uid")
    return (*first, F("number").asc(nulls_last=True), "uid") if instances else first


def place(date: str, uid: str) -> str:
    """Where a page of studies ended, for `Page.after`."""
    return f"{date}|{uid}"


def after(where: str | None) -> Q:
    """The studies behind that place; one that cannot be read is no place."""
    date, bar, uid = (where or "").partition("|")
    if not bar or len(date) > 8 or len(uid) > 64:
        return Q()
    # The first half alone lets the index on (date, uid) begin in the right place.
    return Q(date__lte=date) & (Q(date__lt=date) | Q(uid__lt=uid))


def _one_of(values: Sequence[str], field: str) -> Q:
    return Q(**{f"{field}__in": values}) if values else Q()


def _dates(span: Span, field: str) -> Q:
    wanted = Q(**{f"{field}__gte": span.first}) if span.first else Q()
    if span.last:
        wanted &= Q(**{f"{field}__lte": span.last, f"{field}__gt": ""})
    return wanted


def _times(span: Span, field: str) -> Q:
    """Times compare as text; an end without seconds covers its whole minute (PS3.4 §C.2.2.2.5.2)."""
    wanted = Q(**{f"{field}__gte": span.first}) if span.first else Q()
    if span.last:
        whole = span.last if "." in span.last else f"{span.last.ljust(6, '9')}.999999"
        wanted &= Q(**{f"{field}__lte": whole, f"{field}__gt": ""})
    return wanted
