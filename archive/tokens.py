"""Search tokens of the index: which terms a column's values have, at the level the installation chose."""

from collections.abc import Iterable
from typing import NamedTuple, cast
from uuid import UUID

from django.conf import settings

from archive.columns import NAMES, Column
from keystore import keys as keystore
from vault.tokens import Level, Term, name_terms, text_terms, token


class OfPatient(NamedTuple):
    """A token of a patient, as its row has it (`PatientToken`)."""

    column: int
    token: int
    patient_id: UUID


class OfStudy(NamedTuple):
    """A token of a study (`StudyToken`)."""

    column: int
    token: int
    study_id: UUID


class OfPhrase(NamedTuple):
    """A token of a spelling (`PhraseToken`)."""

    column: int
    token: int
    phrase_id: UUID


def level() -> Level:
    """How much the index may show for the sake of search (PACS_SEARCH)."""
    return cast(Level, settings.PACS_SEARCH)


def key(column: Column) -> bytes:
    """The key of one column's tokens: equal values in two columns cannot be compared."""
    return keystore.column_key(column.name.lower())


def numbers(column: Column, terms: Iterable[Term]) -> list[int]:
    """The tokens of terms in one column, as they stand in the database, sorted."""
    secret = key(column)
    return sorted({token(secret, term) for term in terms})


def of(column: Column, value: str) -> list[int]:
    """Every token that is kept beside a sealed value. A birth date is found whole or not at all."""
    if not value:
        return []
    wanted: Level = "exact" if column is Column.BIRTH_DATE else level()
    return numbers(column, name_terms(value, wanted) if column in NAMES else text_terms(value, wanted))
