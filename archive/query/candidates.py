"""From sealed criteria to candidates: which rows carry the search tokens of a pattern (docs/FORMAT.md).

A selective pattern drives the search: its few owners are listed and looked up. An unselective one is asked of each row
while the newest studies are walked. Either way the opened cell decides in the end (`archive.query.checks`).
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from archive import tokens
from archive.columns import NAMES, Column
from archive.models import PatientToken, Phrase, PhraseToken, Study, StudyToken
from archive.query.criteria import Criteria
from vault.tokens import Plan, Term, name_query, text_query, token

DRIVING = 2000
"""A pattern with fewer owners than this drives the search."""

TokenRow = type[PatientToken] | type[StudyToken] | type[PhraseToken]


@dataclass(frozen=True, slots=True)
class Owner:
    """Rows that carry tokens: their table, its link to the owner, and the field of the searched row that names it.

    Where nothing but `probing` is wanted of a search that is driven by something else, its owners drive it nowhere.
    """

    table: TokenRow
    link: str
    field: str
    probing: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the tokens say: the filter, whether some pattern had nothing that the index could use, and whether some
    pattern leaves so few rows that no others need be walked."""

    filter: Q
    open_ended: bool = False
    driven: bool = False


def of(criteria: Criteria) -> Candidates:
    """The filter of studies by all sealed criteria that are asked of them."""
    patient = Owner(PatientToken, "patient_id", "patient_id")
    own = Owner(StudyToken, "study_id", "id")
    asked: list[tuple[Column, str, tuple[Owner, ...]]] = [
        (Column.PATIENT_NAME, criteria.patient_name, (patient, own)),
        (Column.PATIENT_ID, criteria.patient_id, (patient,)),
        (Column.ACCESSION, criteria.accession_number, (own,)),
        (Column.STUDY_ID, criteria.study_id, (own,)),
        (Column.DESCRIPTION, criteria.description, (_phrase("description_id"),)),
        (Column.REFERRING, criteria.referring, (_phrase("referring_id"),)),
    ]
    if criteria.birth_date:
        whole = criteria.birth_date.first if criteria.birth_date.first == criteria.birth_date.last else "*?"
        asked.append((Column.BIRTH_DATE, whole, (patient, own)))
    return _all(asked)


def of_patients(column: Column, pattern: str) -> Candidates:
    """The filter of patients whose own row carries the tokens of a pattern in this column."""
    return _all([(column, pattern, (Owner(PatientToken, "patient_id", "id"),))])


def of_series(criteria: Criteria, series: str, *, driving: bool) -> Candidates:
    """The filter of the sealed criteria of series; `series` leads from the searched row to its series."""
    spoken = [
        (Column.SERIES_DESCRIPTION, criteria.series_description, f"{series}description_id"),
        (Column.PERFORMING, criteria.performing, f"{series}performing_id"),
    ]
    return _all([(column, asked, (_phrase(field, probing=not driving),)) for column, asked, field in spoken])


def _phrase(field: str, *, probing: bool = False) -> Owner:
    return Owner(PhraseToken, "phrase_id", field, probing)


def _all(asked: list[tuple[Column, str, tuple[Owner, ...]]]) -> Candidates:
    wanted, open_ended, driven = Q(), False, False
    for column, pattern, owners in asked:
        plan = _plan(column, pattern)
        open_ended = open_ended or plan.scan
        if plan.terms:
            numbers = [token(tokens.key(column), term) for term in plan.terms]
            found = [_having(owner, column, numbers) for owner in owners]
            wanted &= _any([one for one, _ in found])
            driven = driven or all(few for _, few in found)
    return Candidates(wanted, open_ended, driven)


def _plan(column: Column, pattern: str) -> Plan:
    if not pattern:
        return Plan(())
    if column is Column.BIRTH_DATE:
        return Plan((Term("e", "", pattern),)) if pattern.isdigit() else Plan((), scan=True)
    return name_query(pattern, tokens.level()) if column in NAMES else text_query(pattern, tokens.level())


def _any(filters: list[Q]) -> Q:
    found = filters[0]
    for one in filters[1:]:
        found |= one
    return found


def _having(owner: Owner, column: Column, numbers: list[int]) -> tuple[Q, bool]:
    """Rows whose owner carries all of the tokens, and whether these are few enough to drive the search."""
    rows = owner.table.objects.filter(column=column)
    rarest, others = _rarest(rows, numbers)
    carriers = rows.filter(token=rarest)
    for number in others:
        carriers = carriers.filter(Exists(rows.filter(token=number, **{owner.link: OuterRef(owner.link)})))
    ids = list(rows.filter(token=rarest).values_list(owner.link, flat=True)[:DRIVING])
    if len(ids) < DRIVING:
        ids = list(carriers.values_list(owner.link, flat=True)) if others else ids
        if owner.table is PhraseToken and connection.vendor == "sqlite" and (owner.probing or _many(owner.field, ids)):
            # What many studies say would drive the search there, and all of them be sorted.
            return Q(Exists(Phrase.objects.filter(id=OuterRef(owner.field), id__in=ids))), False
        return Q(**{f"{owner.field}__in": ids}), owner.table is not PhraseToken
    if connection.vendor == "postgresql":
        # Its planner weighs a semi-join by statistics; a correlated probe per row it would not undo.
        return Q(**{f"{owner.field}__in": carriers.values(owner.link)}), False
    probes = (Exists(rows.filter(token=number, **{owner.link: OuterRef(owner.field)})) for number in numbers)
    return Q(*probes), False


def _rarest(rows: "QuerySet[Any, Any]", numbers: list[int]) -> tuple[int, list[int]]:
    """The token that fewest carry, and the others; nobody is counted where there is but one."""
    if len(numbers) == 1:
        return numbers[0], []
    rarest = min(numbers, key=lambda number: rows.filter(token=number)[:DRIVING].count())
    return rarest, [number for number in numbers if number != rarest]


def _many(field: str, phrases: list[UUID]) -> bool:
    """Whether many studies say one of these phrases; of series, who looks for them stops at few."""
    if field not in ("description_id", "referring_id") or not phrases:
        return False
    return Study.objects.filter(**{f"{field}__in": phrases})[:DRIVING].count() >= DRIVING
