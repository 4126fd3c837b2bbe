"""A hospital that nobody was ever in: its patients and studies by number, the same in every run.

Ten years, one day like the next; three studies a patient, years apart. A third of the people share twenty family names,
as people do, the others have rare ones. Everything is told by the number of a study, so that planters and those who ask
need nothing of each other.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import product
from typing import Final

FIRST_DAY: Final = date(2016, 1, 1)
DAYS: Final = 3650
EACH: Final = 3
"""Studies a patient."""

COMMON: Final = (
    *("MARTIN", "NGUYEN", "GARCIA", "MULLER", "SMITH", "ROSSI", "SILVA", "KOWALSKI", "IVANOVA", "JANSEN"),
    *("NOVAK", "PETROV", "LARSEN", "DUBOIS", "MOREAU", "FERRARI", "SCHMIDT", "LEFEBVRE", "ANDERSSON", "TANAKA"),
)
GIVEN: Final = (
    *("ANNA", "JEAN", "MARIE", "PETER", "JOSE", "LAN", "OLGA", "IVAN", "MAI", "OMAR", "LUCIE", "KARL", "ELENA"),
    *("PAUL", "NINA", "HUGO", "SARA", "THEO", "IRIS", "LEON", "CLARA", "EMIL", "ROSA", "NOAH", "ALMA", "FELIX"),
)
SYLLABLES: Final = ("BA", "KO", "TI", "RU", "FE", "DO", "NI", "WA", "CE", "LI", "MO", "SA", "VE", "GU", "PA")
RARE: Final = tuple("".join(parts) for parts in product(SYLLABLES, repeat=3))
REGIONS: Final = ("HEAD", "NECK", "CHEST", "ABDOMEN", "PELVIS", "SPINE", "KNEE", "SHOULDER", "HAND", "FOOT")
HOW: Final = ("ROUTINE", "CONTRAST", "FOLLOW-UP", "EMERGENCY", "LOW DOSE", "SCREENING")

CLASSES: Final = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
}
_SHARES: Final = ("CT",) * 7 + ("MR",) * 4 + ("CR",) * 5 + ("US",) * 3 + ("MG",)
_ROOT: Final = "1.2.826.0.1.3680043.8.498"


def scattered(number: int, most: int) -> int:
    """A number below ``most`` that follows from another, and looks as if it did not."""
    mixed = number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 % 0xFFFFFFFFFFFFFFC5 % most


@dataclass(frozen=True, slots=True)
class Patient:
    """A person by number."""

    number: int

    @property
    def family(self) -> str:
        where = scattered(self.number, 300)
        return COMMON[where % 20] if where < 100 else RARE[scattered(self.number + 7, len(RARE))]

    @property
    def name(self) -> str:
        return f"{self.family}^{GIVEN[scattered(self.number + 13, len(GIVEN))]}"

    @property
    def id(self) -> str:
        return f"{10_000_000 + self.number * 7_919 % 89_999_999:08d}"

    @property
    def birth_date(self) -> str:
        return f"{date(1930, 1, 1) + timedelta(days=scattered(self.number + 29, 29_000)):%Y%m%d}"

    @property
    def sex(self) -> str:
        return "FM"[self.number % 2]


@dataclass(frozen=True)
class Study:
    """A study of so many, with one series and one instance."""

    number: int
    studies: int

    @cached_property
    def patient(self) -> Patient:
        return Patient(self.number % patients(self.studies))

    @property
    def uid(self) -> str:
        return f"{_ROOT}.{scattered(self.number, 1 << 32)}.{self.number}.1"

    @property
    def series_uid(self) -> str:
        return f"{self.uid}.1"

    @property
    def sop_uid(self) -> str:
        return f"{self.uid}.1.1"

    @property
    def day(self) -> date:
        return FIRST_DAY + timedelta(days=self.number * DAYS // self.studies)

    @property
    def date(self) -> str:
        return f"{self.day:%Y%m%d}"

    @property
    def time(self) -> str:
        minutes = scattered(self.number + 3, 720)
        return f"{7 + minutes // 60:02d}{minutes % 60:02d}{self.number % 60:02d}"

    @property
    def modality(self) -> str:
        return _SHARES[scattered(self.number + 5, len(_SHARES))]

    @property
    def accession(self) -> str:
        return f"A{20_000_000 + self.number}"

    @property
    def study_id(self) -> str:
        return str(1 + self.number % 999_983)

    @property
    def description(self) -> str:
        region, how = scattered(self.number + 17, len(REGIONS)), scattered(self.number + 19, len(HOW))
        return f"{self.modality} {REGIONS[region]} {HOW[how]}"

    @property
    def referring(self) -> str:
        return Patient(5_000_000 + scattered(self.number + 23, 400)).name

    @property
    def performing(self) -> str:
        return Patient(6_000_000 + scattered(self.number + 31, 60)).name

    @property
    def series_description(self) -> str:
        return f"{self.modality} AXIAL {1 + self.number % 5} MM"


def patients(studies: int) -> int:
    """How many people have so many studies."""
    return max(1, studies // EACH)


def of_patient(number: int, studies: int) -> list[Study]:
    """The studies of a patient, the oldest first."""
    return [Study(one, studies) for one in range(number, studies, patients(studies))]
