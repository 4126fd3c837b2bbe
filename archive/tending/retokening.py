"""The search tokens of patients, studies and phrases made anew from their opened cells.

What is opened is on record, study by study. Rows are opened before the transaction that replaces their tokens and
compared with what is there inside it: whoever changed one meanwhile is looked at again. So each row has the tokens from
before or those from after, never none of them and never those of a value that it has no more.

A study in the trash is opened by nobody. Its tokens go, and so do those of a patient whose studies are all there;
whoever takes one out again, or sends another study of the patient, promises the job `reindex` with it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, transaction

from accounts import gate, identify, scope
from accounts.errors import NotVisible
from archive import index_patients, index_studies, keys, phrases, tokens
from archive.columns import Column, cell_name
from archive.errors import Damaged
from archive.models import Patient, PatientToken, Phrase, PhraseToken, Study, StudyToken
from archive.openers import CellOpener, Opener
from audit.actions import Action

ATTEMPTS: Final = 4
_BATCH: Final = 500
_COLUMNS: Final = {"patient": index_patients.COLUMNS, "study": index_studies.COLUMNS}


@dataclass(slots=True)
class Wanted:
    """What a row says and the tokens it shall have for it; of the columns in `left` no cell opened, so they stay."""

    cells: tuple[bytes, ...]
    tokens: set[tuple[int, int]] = field(default_factory=set)
    left: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Opened:
    """One patient with all studies there were: what each shall have. Studies in `trashed` were not opened."""

    patient: Wanted
    studies: dict[UUID, Wanted] = field(default_factory=dict)
    trashed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Done:
    """How many rows have their tokens, how many studies lay in the trash, and which cells did not open."""

    patients: int = 0
    studies: int = 0
    phrases: int = 0
    trashed: int = 0
    damaged: list[str] = field(default_factory=list)


def again(subject: str, progress: Callable[[int, int], None]) -> None:
    """The job `reindex`: what a pass left out of a patient (`subject`), because it lay in the trash then."""
    of_patients([UUID(subject)], lambda _done: None)
    progress(1, 1)


def of_patients(ids: Iterable[UUID], commit: Callable[[Done], None]) -> Done:
    """Replace the tokens of patients and of all their studies in one transaction, which `commit` ends.

    Raises LogUnavailable, and Unavailable where a key is not to be had.
    """
    wanted = sorted(ids)
    while True:
        opened, done = dict[UUID, _Opened](), Done()
        for patient in Patient.objects.filter(id__in=wanted).order_by("id"):
            opened[patient.id] = _open(patient, done)
        if _tried(lambda opened=opened, done=done: _replaced(opened, done, commit)):  # type: ignore[misc]
            return done


def _open(patient: Patient, done: Done) -> _Opened:
    found = _Opened(Wanted(_cells(patient)))
    opener: Opener | None = None
    for study in Study.objects.filter(patient=patient).order_by("id"):
        found.studies[study.id] = Wanted(_cells(study))
        try:
            opener = _unlocked(study, patient)
        except NotVisible:
            found.trashed.add(study.uid)
            continue
        except Damaged:
            _leave(found.studies[study.id], study, done)
            continue
        _fill(found.studies[study.id], opener, study, done)
        if not found.patient.tokens and not found.patient.left:
            _fill(found.patient, opener, patient, done)
    if opener is None and len(found.trashed) < len(found.studies):
        _leave(found.patient, patient, done)
    done.patients += 1
    done.studies += len(found.studies) - len(found.trashed)
    done.trashed += len(found.trashed)
    return found


def _unlocked(study: Study, patient: Patient) -> Opener:
    """What opens a study and its patient, on record. Raises NotVisible in the trash, Damaged where its key is."""
    if scope.withdrawn(study.uid):
        raise NotVisible
    receipt = gate.disclose(
        identify.system("tend"),
        Action.REINDEXED,
        study.uid,
        found=True,
        patient=patient.pseudonym,
        purpose="reindex",
        count=study.instance_count,
    )
    return keys.unlock(receipt, study.uid)


def _cells(row: Patient | Study) -> tuple[bytes, ...]:
    return tuple(bytes(getattr(row, cell)) for cell in _COLUMNS[_table(row)])


def _table(row: Any) -> str:
    return type(row).__name__.lower()


def _fill(wanted: Wanted, opener: CellOpener, row: Patient | Study, done: Done) -> None:
    for cell, column in _COLUMNS[_table(row)].items():
        _add(wanted, opener, cell_name(_table(row), cell), row.id, getattr(row, cell), column, done)


def _add(
    wanted: Wanted, opener: CellOpener, name: str, row: UUID, sealed: bytes | memoryview, column: Column, done: Done
) -> None:
    try:
        value = opener.text(name, row, sealed)
    except Damaged:
        wanted.left.add(column)
        done.damaged.append(f"{name} {row}")
        return
    wanted.tokens |= {(int(column), number) for number in tokens.of(column, value)}


def _leave(wanted: Wanted, row: Patient | Study, done: Done) -> None:
    """Nothing of a row opens, since no key does: whatever tokens it has stay."""
    wanted.left.update(_COLUMNS[_table(row)].values())
    done.damaged.append(f"{_table(row)} {row.id}")


def _tried(work: Callable[[], bool]) -> bool:
    """Do it in a transaction of its own, again where two of them only met."""
    for _ in range(ATTEMPTS - 1):
        try:
            with transaction.atomic(durable=True):
                return work()
        except OperationalError:
            continue
    with transaction.atomic(durable=True):
        return work()


def _replaced(opened: dict[UUID, _Opened], done: Done, commit: Callable[[Done], None]) -> bool:
    """False, with nothing changed, where something is not as it was when it was opened.

    Studies before patients, as whoever stores locks them. The lock on a patient keeps new studies out.
    """
    studies = {row.id: row for row in Study.objects.select_for_update().filter(patient__in=opened).order_by("uid")}
    patients = Patient.objects.select_for_update().filter(id__in=opened).order_by("id")
    there = {row.id: row for row in patients}
    known = {row: wanted for one in opened.values() for row, wanted in one.studies.items()}
    # A study that came between the two questions is locked by whoever wrote it no more.
    if set(Study.objects.filter(patient__in=opened).values_list("id", flat=True)) != known.keys() or (
        any(_cells(row) != known[row.id].cells for row in studies.values())
        or any(not scope.withdrawn(uid) for one in opened.values() for uid in one.trashed)
    ):
        return False
    for row, one in opened.items():
        if row in there:
            _replace(PatientToken, "patient_id", row, one.patient)
    for row, wanted in known.items():
        _replace(StudyToken, "study_id", row, wanted)
    commit(done)
    return True


def _replace(table: Any, link: str, owner: UUID, wanted: Wanted) -> None:
    """Let a row have the tokens it shall have; those that it has already are not written again."""
    there = {(column, number): row for row, column, number in _of(table, link, owner)}
    gone = [row for name, row in there.items() if name not in wanted.tokens and name[0] not in wanted.left]
    for at in range(0, len(gone), _BATCH):
        table.objects.filter(id__in=gone[at : at + _BATCH]).delete()
    fresh = sorted(name for name in wanted.tokens - there.keys() if name[0] not in wanted.left)
    rows = [table(column=column, token=number, **{link: owner}) for column, number in fresh]
    table.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)


def _of(table: Any, link: str, owner: UUID) -> list[tuple[int, int, int]]:
    return list(table.objects.filter(**{link: owner}).values_list("id", "column", "token"))


def of_phrases(ids: Iterable[UUID], commit: Callable[[Done], None]) -> Done:
    """Replace the tokens of phrases, which never change, in one transaction, which `commit` ends.

    They are a dictionary of the whole archive, sealed under no study's key: one event says how many were opened.
    """
    wanted, done = sorted(ids), Done()
    receipt = gate.disclose_phrases(identify.system("tend"), Action.REINDEXED, count=len(wanted))
    opener, opened = keys.unlock_phrases(receipt), dict[UUID, Wanted]()
    for row in Phrase.objects.filter(id__in=wanted).order_by("id"):
        opened[row.id] = Wanted((bytes(row.value_cell),))
        _add(opened[row.id], opener, phrases.VALUE, row.id, row.value_cell, Column(row.column), done)
    done.phrases = len(opened)

    def replaced() -> bool:
        for row in Phrase.objects.select_for_update(no_key=True).filter(id__in=opened).order_by("id"):
            _replace(PhraseToken, "phrase_id", row.id, opened[row.id])
        commit(done)
        return True

    _tried(replaced)
    return done
