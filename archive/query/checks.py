"""The last word on a candidate: its opened cells are compared with what was asked (`vault.tokens` says how)."""

from collections.abc import Callable, Iterator

from archive.models import Series
from archive.query.criteria import Criteria, Span
from archive.query.listed import AnyStudy
from archive.query.opened import Cells
from vault.tokens import name_matches, text_matches

Check = Callable[[Cells, AnyStudy, Series | None], bool]


def of(criteria: Criteria) -> tuple[Check, ...]:
    """One check for each sealed criterion that asks something."""
    return tuple(_checks(criteria))


def _checks(criteria: Criteria) -> Iterator[Check]:
    if criteria.patient_name.strip("*"):
        yield lambda cells, study, _: name_matches(criteria.patient_name, cells.patient_name(study))
    if criteria.birth_date:
        yield lambda cells, study, _: _within(cells.birth_date(study), criteria.birth_date)
    texts: list[tuple[str, Callable[[Cells, AnyStudy], str]]] = [
        (criteria.patient_id, lambda cells, study: cells.text(study.patient, "patient_id_cell")),
        (criteria.accession_number, lambda cells, study: cells.text(study, "accession_cell")),
        (criteria.study_id, lambda cells, study: cells.text(study, "study_id_cell")),
        (criteria.description, lambda cells, study: cells.phrase(study.description_id)),
    ]
    for pattern, value in texts:
        if pattern.strip("*"):
            yield lambda cells, study, _, pattern=pattern, value=value: text_matches(pattern, value(cells, study))  # type: ignore[misc]
    if criteria.referring.strip("*"):
        yield lambda cells, study, _: name_matches(criteria.referring, cells.phrase(study.referring_id))
    if criteria.series_description.strip("*"):
        pattern = criteria.series_description
        yield lambda cells, _, series: series is not None and text_matches(pattern, cells.phrase(series.description_id))
    if criteria.performing.strip("*"):
        yield (
            lambda cells, _, series: (
                series is not None and name_matches(criteria.performing, cells.phrase(series.performing_id))
            )
        )


def _within(date: str, span: Span) -> bool:
    return bool(date) and span.first <= date and (not span.last or date <= span.last)
