"""What a person typed into the filters, as criteria of a search. Typed names come by POST and go nowhere else."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from django.http import QueryDict

from archive.query import Criteria, Page, Span

ROWS: Final = 50
LONGEST: Final = 64
DEEPEST: Final = 100

MODALITIES: Final = ("CR", "CT", "DX", "MG", "MR", "NM", "OT", "PT", "RF", "US", "XA")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters as they stand in the form, and the trail of pages turned, the present one last."""

    name: str = ""
    patient_id: str = ""
    accession: str = ""
    date_from: str = ""
    date_to: str = ""
    modality: str = ""
    trail: tuple[str, ...] = ()

    @classmethod
    def of(cls, form: QueryDict) -> Self:
        """Read a form; what cannot be meant (a date that is none, a modality that is none) asks nothing."""
        typed = {name: form.get(name, "").strip()[:LONGEST] for name in ("name", "patient_id", "accession")}
        dates = {name: _date(form.get(name, "")) for name in ("date_from", "date_to")}
        modality = form.get("modality", "")
        trail = tuple(form.get("trail", "").split()[-DEEPEST:])
        if form.get("turn") == "newer":
            trail = trail[:-1]
        elif form.get("turn") == "newest":
            trail = ()
        elif older := form.get("older", ""):
            trail = (*trail, older)
        return cls(
            **typed, **dates, modality=modality if re.fullmatch(r"[A-Z0-9]{2,16}", modality) else "", trail=trail
        )

    @property
    def any(self) -> bool:
        """Whether anything is asked."""
        return any((self.name, self.patient_id, self.accession, self.date_from, self.date_to, self.modality))

    @property
    def criteria(self) -> Criteria:
        return Criteria(
            patient_name=name_pattern(self.name),
            patient_id=self.patient_id,
            accession_number=self.accession,
            study_date=Span(self.date_from.replace("-", ""), self.date_to.replace("-", "")),
            modalities=(self.modality,) if self.modality else (),
        )

    @property
    def page(self) -> Page:
        return Page(limit=ROWS, after=self.trail[-1] if self.trail else None)


def name_pattern(typed: str) -> str:
    """Return the DICOM pattern for a name as people type it: `Dupont, Mar` becomes `Dupont*^Mar*`.

    Who writes wildcards or carets knows DICOM and is taken at their word.
    """
    if not typed or set(typed) & set("*?^="):
        return typed
    return "^".join(f"{part.strip()}*" for part in typed.split(",", 1))


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        return ""
