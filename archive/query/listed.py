"""A study with its patient as lists read it: the columns that are shown and asked, without all that a model brings.

A page has a hundred of them, and a search opens up to five hundred: to make models of them takes as long as to open
what they hold.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from archive.models import Patient, Study


class ListedPatient(NamedTuple):
    """What a list reads of a patient's row (`archive.models.Patient`)."""

    id: UUID
    pseudonym: str
    name_cell: bytes
    patient_id_cell: bytes
    issuer_cell: bytes
    birth_date_cell: bytes
    sex_cell: bytes


class ListedStudy(NamedTuple):
    """What a list reads of a study's row (`archive.models.Study`)."""

    patient: ListedPatient
    id: UUID
    uid: str
    date: str
    time: str
    modalities: str
    series_count: int
    instance_count: int
    first_received_at: datetime
    last_received_at: datetime
    held_count: int
    same_count: int
    identity_differs: bool
    accession_cell: bytes
    study_id_cell: bytes
    named: bool
    name_cell: bytes
    birth_date_cell: bytes
    description_id: UUID | None
    referring_id: UUID | None


AnyPatient = Patient | ListedPatient
AnyStudy = Study | ListedStudy

_OF_PATIENT: Final = len(ListedPatient._fields)
_COLUMNS: Final = (*(f"patient__{name}" for name in ListedPatient._fields), *ListedStudy._fields[1:])


def read(studies: "QuerySet[Study]") -> list[ListedStudy]:
    """The studies of a query, in its order."""
    rows = studies.values_list(*_COLUMNS)
    return [ListedStudy(ListedPatient._make(row[:_OF_PATIENT]), *row[_OF_PATIENT:]) for row in rows]
