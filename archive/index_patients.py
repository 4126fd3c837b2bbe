"""Patients of the index: found by pseudonym, their cells sealed under their own key, told apart unopened."""

from collections.abc import Iterable
from uuid import UUID

from archive import keys, statements, tokens
from archive.columns import Column, cell_name
from archive.models import Patient, PatientToken
from archive.tickets import Admission
from audit import plain_models

# Cell of the row -> what it holds, and the column of its search tokens.
_CELLS: dict[str, tuple[str, Column | None]] = {
    "name_cell": ("patient_name", Column.PATIENT_NAME),
    "patient_id_cell": ("patient_id", Column.PATIENT_ID),
    "issuer_cell": ("issuer", None),
    "other_ids_cell": ("other_ids", Column.OTHER_IDS),
    "birth_date_cell": ("birth_date", Column.BIRTH_DATE),
    "sex_cell": ("sex", None),
}
COLUMNS = {cell: column for cell, (_, column) in _CELLS.items() if column is not None}
"""Cells that carry search tokens."""


def ensure(admissions: list[Admission]) -> dict[str, Patient]:
    """The patient row of each admission by pseudonym, made where there was none."""
    wanted = {one.pseudonym: one for one in reversed(admissions)}
    found = _rows(wanted)
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        plain_models.insert(Patient, [_new(wanted[name]) for name in missing], ignore=True)
        found |= _rows(missing)
        rows = [row for name in missing for row in carried(found[name], wanted[name])]
        plain_models.insert(PatientToken, rows, ignore=True)
    return found


def carried(patient: Patient, one: Admission) -> list[tokens.OfPatient]:
    """The search tokens of a patient who is new with this object."""
    return [
        tokens.OfPatient(column, number, patient.id)
        for field, column in _CELLS.values()
        if column is not None
        for number in tokens.of(column, one.facts.text(field))
    ]


def tokenless(pseudonyms: Iterable[str]) -> list[UUID]:
    """Those of the patients whose cells say something and who have no search tokens: their studies were all in the
    trash when tokens were made anew. Asked after the rows of an arrival are written, so that one of the two sees it."""
    wanted = set(pseudonyms)
    if not wanted:
        return []
    return statements.tokenless(wanted, tuple(COLUMNS))


def _rows(pseudonyms: "dict[str, Admission] | list[str]") -> dict[str, Patient]:
    return {row.pseudonym: row for row in plain_models.select(Patient, "pseudonym", pseudonyms)}


def _new(one: Admission) -> Patient:
    if one.patient_key is None:
        raise ValueError("no key has been provided")
    row = Patient(id=one.patient_key.owner, pseudonym=one.pseudonym, key_id=one.patient_key.id)
    row.name_digest, row.birth_date_digest = digests(one)
    for cell, (field, _) in _CELLS.items():
        value = one.issuer if field == "issuer" else one.facts.text(field)
        setattr(row, cell, keys.seal_cell(one.patient_key.id, cell_name("patient", cell), row.id, value))
    return row


def digests(one: Admission) -> tuple[str, str]:
    """Keyed digests of name and birth date, empty for empty ones. Case and closing separators do not count."""
    if one.patient_key is None:
        raise ValueError("no key has been provided")
    name = one.facts.text("patient_name").split("=")[0].rstrip("^ ").casefold()
    birth_date = one.facts.text("birth_date")
    return (
        keys.digest(one.patient_key.id, "name", name.encode("utf-8", "surrogatepass")) if name else "",
        keys.digest(one.patient_key.id, "birth date", birth_date.encode()) if birth_date else "",
    )


def differs(patient: Patient, one: Admission) -> bool:
    """Tell whether an object says another name or birth date than the patient of its study has, or is of another id."""
    if patient.pseudonym != one.pseudonym:
        return True
    pairs = zip(digests(one), (patient.name_digest, patient.birth_date_digest), strict=True)
    return any(said and had and said != had for said, had in pairs)
