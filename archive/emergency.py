"""Whose studies an emergency access opens: a patient by exact number, or by one exact accession number.

Nothing is opened to find them and nothing is told of them: exact tokens and the pseudonym find the patient, and what is
there is seen only once the access is on record (`accounts.break_glass`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts import break_glass, scope
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import Withdrawn
from archive import tokens
from archive.columns import Column
from archive.models import Patient, PatientToken, Study, StudyToken
from keystore import keys as keystore
from vault.patterns import text_value
from vault.random import pseudonym
from vault.tokens import Level, Term, text_terms, token

LONGEST: Final = 64
MOST_LOOKED_AT: Final = 500
LEVELS: Final[tuple[Level, ...]] = ("exact", "prefix", "full")

TokenRow = type[PatientToken] | type[StudyToken]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The patient's number with its issuer (empty: whoever's), or an accession number."""

    patient_id: str = ""
    issuer: str = ""
    accession: str = ""

    @property
    def asked(self) -> Mapping[str, str]:
        """What was typed, for the record, which seals it."""
        return {name: value for name, value in asdict(self).items() if value}


def open_(actor: Actor, wanted: Wanted, reason: str, words: str) -> datetime:
    """Let the actor see for an hour the studies of one patient that they do not see already; return until when.

    A number that two patients have opens nothing: its issuer tells them apart. Raises Forbidden, StepUpNeeded, or
    Unacceptable; that nothing was found is said in the same words whatever the cause, and is on record.
    """
    break_glass.require(actor)
    break_glass.check(reason, words)
    if bool(wanted.patient_id) == bool(wanted.accession):
        raise Unacceptable("patient_id", _("Give either the patient's number or an accession number."))
    if max(map(len, (wanted.patient_id, wanted.issuer, wanted.accession))) > LONGEST:
        raise Unacceptable("patient_id", _("A number has at most 64 characters."))
    tries = break_glass.count(actor, wanted.asked)
    patients = _patients(wanted)
    uids = _unseen(actor, patients[0]) if len(patients) == 1 else []
    if not uids:
        raise break_glass.missed(actor, wanted.asked, tries)
    return break_glass.open_(actor, patients[0].pseudonym, uids, reason, words)


def _patients(wanted: Wanted) -> list[Patient]:
    """The patients that have exactly this number; two of them stand for many."""
    if wanted.patient_id and wanted.issuer:
        secret = keystore.installation_key("pseudonym").secret
        found = Patient.objects.filter(pseudonym=pseudonym(secret, wanted.issuer, wanted.patient_id).hex())
    elif wanted.patient_id:
        found = Patient.objects.filter(id__in=_whose(PatientToken, "patient_id", Column.PATIENT_ID, wanted.patient_id))
    else:
        studies = _whose(StudyToken, "study_id", Column.ACCESSION, wanted.accession)
        found = Patient.objects.filter(studies__in=studies).distinct()
    return list(found[:2])


def _whose(table: TokenRow, link: str, column: Column, value: str) -> list[UUID]:
    """The owners of rows whose whole value is this one, as searches fold it.

    A longer value carries the tokens of its words as well, so an owner is taken only where its tokens are those of this
    value and no others: then its value is no other either, at whatever level the index was made.
    """
    levels = [tokens.numbers(column, text_terms(value, level)) for level in LEVELS]
    whole = token(tokens.key(column), Term("e", "", text_value(value)))
    found = table.objects.filter(column=column, token=whole).values_list(link, flat=True)[:MOST_LOOKED_AT]
    owners: dict[UUID, set[int]] = {owner: set() for owner in found}
    for owner, number in table.objects.filter(column=column, **{f"{link}__in": list(owners)}).values_list(
        link, "token"
    ):
        owners[owner].add(number)
    return [owner for owner, carried in owners.items() if sorted(carried) in levels]


def _unseen(actor: Actor, patient: Patient) -> list[str]:
    """The patient's studies that this actor does not see now, the newest first, and none of the trash."""
    seen = scope.visible(actor).filter(study_uid=OuterRef("uid"))
    trashed = Withdrawn.objects.filter(study_uid=OuterRef("uid"))
    rows = Study.objects.filter(~Exists(seen), ~Exists(trashed), patient=patient).order_by("-date", "uid")
    return list(rows.values_list("uid", flat=True))
