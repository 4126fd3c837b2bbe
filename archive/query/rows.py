"""What a search answers: opened rows of the three levels, in the words of DICOM."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study as lists show it. Dates and times are DICOM text (`20260301`, `101500`), names DICOM person names."""

    uid: str
    date: str
    time: str
    modalities: tuple[str, ...]
    patient_name: str
    patient_id: str
    issuer: str
    birth_date: str
    sex: str
    accession_number: str
    referring: str
    description: str
    study_id: str
    series_count: int
    instance_count: int
    first_received_at: datetime
    last_received_at: datetime
    held_count: int = 0
    same_count: int = 0
    identity_differs: bool = False


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series, with the study it belongs to."""

    study: StudyRow
    uid: str
    modality: str
    number: int | None
    date: str
    time: str
    description: str
    performing: str
    instance_count: int


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One instance, with its series and study. `frames` is 0 where the object is not an image."""

    series: SeriesRow
    uid: str
    sop_class: str
    transfer_syntax: str
    number: int | None
    rows: int | None
    columns: int | None
    bits_allocated: int | None
    frames: int
    size: int
    received_at: datetime
    damaged: bool

    @property
    def study(self) -> StudyRow:
        return self.series.study


Row = TypeVar("Row", StudyRow, SeriesRow, InstanceRow)


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """The answer of one search.

    `more` says that further rows match; `scanned_out` that more rows may match than one search opens, and only the
    newest candidates were looked at, so that matches may be missing. `next` is the place for `Page.after` in either
    case, None at the end.
    """

    rows: tuple[Row, ...]
    more: bool = False
    scanned_out: bool = False
    next: str | None = None
