"""Which attributes each level of a search can match and return (PS3.18 §10.6.1.2 and §10.6.3.3)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pydicom.datadict import tag_for_keyword

LEVELS: Final = ("studies", "series", "instances")

# What can be matched: the tag, the field of `query.Criteria` that asks it, how its value is written, and the level
# from which on it is known (an instance search may ask about its series and study too).
MATCHED: Final[dict[int, tuple[str, str, str]]] = {
    0x00100010: ("patient_name", "text", "studies"),
    0x00100020: ("patient_id", "text", "studies"),
    0x00100030: ("birth_date", "dates", "studies"),
    0x00080050: ("accession_number", "text", "studies"),
    0x00200010: ("study_id", "text", "studies"),
    0x00081030: ("description", "text", "studies"),
    0x00080090: ("referring", "text", "studies"),
    0x00080020: ("study_date", "dates", "studies"),
    0x00080030: ("study_time", "times", "studies"),
    0x00080061: ("modalities", "codes", "studies"),
    0x0020000D: ("study_uids", "uids", "studies"),
    0x0020000E: ("series_uids", "uids", "series"),
    0x00080060: ("modality", "codes", "series"),
    0x00200011: ("series_number", "number", "series"),
    0x00080021: ("series_date", "dates", "series"),
    0x0008103E: ("series_description", "text", "series"),
    0x00081050: ("performing", "text", "series"),
    0x00080018: ("sop_uids", "uids", "instances"),
    0x00080016: ("sop_classes", "uids", "instances"),
    0x00200013: ("instance_number", "number", "instances"),
}


_OF_STUDY: Final = frozenset(
    {
        0x00080005,
        0x00080020,
        0x00080030,
        0x00080050,
        0x00080056,
        0x00080061,
        0x00080090,
        0x00081030,
        0x00081190,
        0x00100010,
        0x00100020,
        0x00100021,
        0x00100030,
        0x00100040,
        0x0020000D,
        0x00200010,
        0x00201206,
        0x00201208,
    }
)
_OF_SERIES: Final = frozenset(
    {0x00080021, 0x00080031, 0x00080060, 0x0008103E, 0x00081050, 0x0020000E, 0x00200011, 0x00201209}
)
_OF_INSTANCE: Final = frozenset(
    {0x00080016, 0x00080018, 0x00083002, 0x00200013, 0x00280008, 0x00280010, 0x00280011, 0x00280100}
)

# What each level returns: its own attributes and those of the levels above (`archive.dicomweb.answers` writes them).
RETURNED: Final = {
    "studies": _OF_STUDY,
    "series": _OF_STUDY | _OF_SERIES,
    "instances": _OF_STUDY | _OF_SERIES | _OF_INSTANCE,
}


@dataclass(frozen=True, slots=True)
class Matched:
    """How one attribute is matched: the field of the criteria, the form of its value, the level that knows it."""

    field: str
    form: str
    level: str


def matched(tag: int, level: str) -> Matched | None:
    """How an attribute is matched in a search of that level, None where it is not."""
    found = MATCHED.get(tag)
    if found is None or LEVELS.index(found[2]) > LEVELS.index(level):
        return None
    return Matched(*found)


@lru_cache(maxsize=1024)
def tag_of(name: str) -> int | None:
    """The tag of an attribute named by keyword (`PatientName`) or eight hexadecimal digits (`00100010`).

    None for a name that is neither; a private or unknown tag in digits is a tag.
    """
    if len(name) == 8 and all(letter in "0123456789abcdefABCDEF" for letter in name):
        return int(name, 16)
    return tag_for_keyword(name) if name.isascii() and name.isalnum() and len(name) <= 64 else None
