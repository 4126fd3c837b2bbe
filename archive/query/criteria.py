"""What a search asks and how its answers are paged; the same values for every edge, nothing of the index in them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

LIMIT = 1000
"""The most rows that one search answers."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of DICOM dates or times as text, both ends included; an empty end is open (PS3.4 §C.2.2.2.5)."""

    first: str = ""
    last: str = ""

    def __bool__(self) -> bool:
        return bool(self.first or self.last)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is asked, all of it at once; an empty field asks nothing.

    Texts are DICOM patterns with `*` and `?` (PS3.4 §C.2.2.2.4): names match by `vault.tokens.name_matches`, the other
    sealed values by `text_matches`. UIDs and modalities are lists of which one must match. `modalities` asks for
    studies that hold a series of one of them (ModalitiesInStudy), `modality` for series of that kind.
    """

    patient_name: str = ""
    patient_id: str = ""
    birth_date: Span = Span()
    accession_number: str = ""
    study_id: str = ""
    description: str = ""
    referring: str = ""
    study_date: Span = Span()
    study_time: Span = Span()
    modalities: tuple[str, ...] = ()
    study_uids: tuple[str, ...] = ()
    series_uids: tuple[str, ...] = ()
    sop_uids: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    series_number: int | None = None
    series_date: Span = Span()
    series_description: str = ""
    performing: str = ""
    sop_classes: tuple[str, ...] = ()
    instance_number: int | None = None

    def asked(self) -> dict[str, object]:
        """The fields that ask something, as the record keeps them (sealed)."""
        return dict(self._asked())

    def _asked(self) -> Iterator[tuple[str, object]]:
        for name, value in asdict(self).items():
            if isinstance(value, dict):
                if any(value.values()):
                    yield name, f"{value['first']}-{value['last']}"
            elif value not in ("", (), None):
                yield name, list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the answer: at most `limit` rows after skipping `offset`, or after the place `after`."""

    limit: int = 100
    offset: int = 0
    after: str | None = None
