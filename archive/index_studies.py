"""Studies and series of the index: made at the first object, completed by others, flagged where identities differ."""

from archive import index_patients, keys, phrases, tokens
from archive.columns import Column, cell_name
from archive.models import Patient, Series, Study, StudyToken
from archive.tickets import Admission
from audit import plain_models

# Cells of the study that an object fills where they are still empty.
_CELLS: dict[str, tuple[str, Column]] = {
    "accession_cell": ("accession", Column.ACCESSION),
    "study_id_cell": ("study_id", Column.STUDY_ID),
}
_OWN = {"name_cell": ("patient_name", Column.PATIENT_NAME), "birth_date_cell": ("birth_date", Column.BIRTH_DATE)}
COLUMNS = {cell: column for cell, (_, column) in (_CELLS | _OWN).items()}
CELLS = tuple(COLUMNS)
"""Cells of the study's own row; all of them carry search tokens."""
_PHRASES = {"description_id": ("description", Column.DESCRIPTION), "referring_id": ("referring", Column.REFERRING)}

CHANGING = [
    "instance_count",
    "series_count",
    "size",
    "modalities",
    "last_received_at",
    "date",
    "time",
    "identity_differs",
    "named",
    *_CELLS,
    *_OWN,
    "description_id",
    "referring_id",
]


def ensure(admissions: list[Admission], patients: dict[str, Patient]) -> dict[str, Study]:
    """The study row of each admission by UID, locked until the transaction ends, made where there was none.

    Changes made to the rows here and after are saved by the caller.
    """
    wanted = {one.facts.study_uid: one for one in reversed(admissions)}
    found = _locked(wanted, patients)
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        plain_models.insert(Study, [_new(wanted[uid], patients) for uid in missing], ignore=True)
        found |= _locked(missing, patients)
    added: list[tokens.OfStudy] = []
    for one in admissions:
        added += _complete(found[one.facts.study_uid], one)
    plain_models.insert(StudyToken, added, ignore=True)
    return found


def _locked(uids: "dict[str, Admission] | list[str]", patients: dict[str, Patient]) -> dict[str, Study]:
    """Studies by UID, each with its patient, who may be another one than the image says."""
    rows = plain_models.select(Study, "uid", uids, lock=True)
    known = {patient.id: patient for patient in patients.values()}
    others = {row.patient_id for row in rows} - known.keys()
    if others:
        known |= {patient.id: patient for patient in plain_models.select(Patient, "id", others)}
    for row in rows:
        row.patient = known[row.patient_id]
    return {row.uid: row for row in rows}


def _new(one: Admission, patients: dict[str, Patient]) -> Study:
    if one.study_key is None:
        raise ValueError("no key has been provided")
    return Study(
        id=one.study_key.owner,
        uid=one.facts.study_uid,
        patient=patients[one.pseudonym],
        key_id=one.study_key.id,
        sender=one.sender,
        first_received_at=one.ticket.arrived,
        last_received_at=one.ticket.arrived,
    )


def _complete(study: Study, one: Admission) -> list[tokens.OfStudy]:
    """Fill what the study does not say yet, and flag another identity; return the tokens of what was added."""
    study.date = study.date or one.facts.text("study_date")
    study.time = study.time or one.facts.text("study_time")
    study.named = study.named or bool(one.facts.text("patient_name"))
    added = _fill(study, one, _CELLS)
    wanted = {field: (column, one.facts.text(name)) for field, (name, column) in _PHRASES.items()}
    empty = {field: spelling for field, spelling in wanted.items() if spelling[1] and getattr(study, field) is None}
    if empty:
        rows = phrases.ensure(empty.values())
        for field, spelling in empty.items():
            setattr(study, field, rows[spelling])
    if not study.identity_differs and index_patients.differs(study.patient, one):
        study.identity_differs = True
        added += _fill(study, one, _OWN)
    elif not study.patient.name_digest:
        # The patient came without a name: what this study says about it is kept with the study.
        added += _fill(study, one, _OWN)
    return added


def _fill(study: Study, one: Admission, cells: dict[str, tuple[str, Column]]) -> list[tokens.OfStudy]:
    added: list[tokens.OfStudy] = []
    for cell, (name, column) in cells.items():
        value = one.facts.text(name)
        if not value or getattr(study, cell):
            continue
        setattr(study, cell, keys.seal_cell(study.key_id, cell_name("study", cell), study.id, value))
        added += [tokens.OfStudy(column, number, study.id) for number in tokens.of(column, value)]
    return added


def ensure_series(admissions: list[Admission], studies: dict[str, Study]) -> dict[tuple[str, str], Series]:
    """The series row of each admission by study and series UID. The locked study rows keep other writers out."""
    wanted = {(one.facts.study_uid, one.facts.series_uid): one for one in reversed(admissions)}
    uids = {study.id: uid for uid, study in studies.items()}
    rows = plain_models.select(Series, "uid", {uid for _, uid in wanted})
    found = {(uids[row.study_id], row.uid): row for row in rows if row.study_id in uids}
    missing = [wanted[name] for name in sorted(wanted.keys() - found.keys())]
    if missing:
        made = _new_series(missing, studies)
        plain_models.insert(Series, made.values())
        for uid, _ in made:
            studies[uid].series_count += 1
        found |= made
    return {name: found[name] for name in wanted}


def _new_series(missing: list[Admission], studies: dict[str, Study]) -> dict[tuple[str, str], Series]:
    spoken = {
        (one.facts.study_uid, one.facts.series_uid): (
            (Column.SERIES_DESCRIPTION, one.facts.text("series_description")),
            (Column.PERFORMING, one.facts.text("performing")),
        )
        for one in missing
    }
    rows = phrases.ensure(spelling for pair in spoken.values() for spelling in pair)
    made = {}
    for one in missing:
        name = (one.facts.study_uid, one.facts.series_uid)
        description, performing = spoken[name]
        made[name] = Series(
            uid=one.facts.series_uid,
            study=studies[one.facts.study_uid],
            modality=one.facts.text("modality"),
            number=one.facts.number("series_number"),
            date=one.facts.text("series_date"),
            time=one.facts.text("series_time"),
            description_id=rows.get(description),
            performing_id=rows.get(performing),
        )
    return made
