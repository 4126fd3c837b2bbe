"""Patients for the record's sake: found by name or number and told apart, without a study and without its content."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounts import gate
from accounts.actors import Actor
from accounts.gate import PatientReceipt
from archive import keys
from archive.columns import Column, cell_name
from archive.models import Patient, Study
from archive.query import candidates
from vault.tokens import name_matches, text_matches

MOST_OPENED = 500
MOST_SHOWN = 50
LEAST_LETTERS = 2


@dataclass(frozen=True, slots=True)
class PatientRow:
    """What tells patients apart: name and birth date as DICOM spells them, and the number."""

    pseudonym: str
    name: str
    patient_id: str
    birth_date: str


@dataclass(frozen=True, slots=True)
class FoundPatients:
    """The patients found; `more` says that others were left unread or unshown."""

    rows: tuple[PatientRow, ...]
    more: bool


def find(actor: Actor, wanted: str) -> FoundPatients:
    """The patients whose number is `wanted`, or whose name begins so; on record before this returns.

    Fewer than two letters find nobody, so that no list of all patients comes of it. Raises Forbidden or LogUnavailable.
    """
    receipt = gate.seek_patients(actor, {"wanted": wanted})
    found: dict[str, PatientRow] = {}
    more = False
    if len(wanted.replace("*", "").replace("?", "").strip()) >= LEAST_LETTERS:
        name = wanted if wanted.endswith("*") else f"{wanted}*"
        for column, pattern in ((Column.PATIENT_ID, wanted), (Column.PATIENT_NAME, name)):
            rows = _candidates(column, pattern)
            more = more or len(rows) > MOST_OPENED
            found |= {row.pseudonym: row for row in _matching(receipt, rows[:MOST_OPENED], column, pattern)}
    shown = tuple(found.values())[:MOST_SHOWN]
    gate.found_patients(receipt, [row.pseudonym for row in shown])
    return FoundPatients(shown, more or len(found) > MOST_SHOWN)


def studies_of(pseudonyms: Iterable[str], said: Iterable[str]) -> frozenset[str]:
    """The UIDs of these patients' studies: those of the index, and those that the log `said` and nobody has now."""
    own = set(Study.objects.filter(patient__pseudonym__in=list(pseudonyms)).values_list("uid", flat=True))
    spoken = set(said)
    known = set(Study.objects.filter(uid__in=spoken).values_list("uid", flat=True))
    return frozenset(own | (spoken - known))


def _candidates(column: Column, pattern: str) -> list[Patient]:
    hinted = candidates.of_patients(column, pattern)
    return list(Patient.objects.filter(hinted.filter).order_by("pseudonym")[: MOST_OPENED + 1])


def _matching(receipt: PatientReceipt, rows: list[Patient], column: Column, pattern: str) -> Iterator[PatientRow]:
    opener = keys.unlock_patients(receipt, [row.pseudonym for row in rows])

    def text(row: Patient, field: str) -> str:
        return opener.text(cell_name("patient", field), row.id, getattr(row, field))

    for row in rows:
        name, number = text(row, "name_cell"), text(row, "patient_id_cell")
        fits = name_matches(pattern, name) if column is Column.PATIENT_NAME else text_matches(pattern, number)
        if fits:
            yield PatientRow(row.pseudonym, name, number, text(row, "birth_date_cell"))
