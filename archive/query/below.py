"""From what is asked of series and instances to studies: a search walks studies, and finds what lies below them.

Whoever walks by series would have to sort them all by the dates of their studies. What few have drives the search; else
each study that is walked is asked whether it has it.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from archive.models import Instance, Series
from archive.query import candidates, clear
from archive.query.criteria import Criteria

FEW = 500
"""Rows up to this number are listed, and their studies looked up."""


def series(criteria: Criteria, *, driving: bool = False) -> "QuerySet[Series]":
    """The series that match, of whatever study; `driving` where they are looked for and not looked at."""
    spoken = candidates.of_series(criteria, "", driving=driving).filter
    return Series.objects.filter(clear.of_series(criteria, ""), spoken)


def instances(criteria: Criteria, *, driving: bool = False) -> "QuerySet[Instance]":
    """The current instances that match, likewise."""
    wanted = clear.of_series(criteria, "series__") & clear.of_instance(criteria)
    spoken = candidates.of_series(criteria, "series__", driving=driving).filter
    return Instance.objects.filter(wanted, spoken, current=True)


def having(rows: "QuerySet[Any]", criteria: Criteria) -> Q:
    """Studies that have one of these rows; all of them where nothing is asked of series or instances."""
    if not (
        clear.of_series(criteria, "")
        or clear.of_instance(criteria)
        or criteria.series_description
        or criteria.performing
    ):
        return Q()
    return Q(Exists(rows.filter(study=OuterRef("id"))))


def few(criteria: Criteria) -> tuple[Q, bool]:
    """The studies that are left by what is asked of series and instances, where few rows have it, and whether so; else
    everything."""
    wanted, driven = Q(), False
    for rows in _asked(clear.indexed(criteria)):
        studies = list(rows.order_by().values_list("study_id", flat=True)[: FEW + 1])
        if len(studies) <= FEW:
            wanted, driven = wanted & Q(id__in=set(studies)), True
    return wanted, driven


def _asked(criteria: Criteria) -> "Iterator[QuerySet[Any, Any]]":
    """What is asked of series and of instances, if anything is, and which modalities a study shall have.

    Each of them begins with something that an index has, so that what nobody has is not looked for in every row.
    """
    if criteria.modalities:
        yield Series.objects.filter(modality__in=criteria.modalities)
    if criteria.sop_uids:
        yield instances(criteria, driving=True)
    elif clear.of_series(criteria, "") or criteria.series_description or criteria.performing:
        yield series(criteria, driving=True)
