"""What is prepared ahead of a row, by the words in which rows name it. Each yields names that the row may use."""

from collections.abc import Callable
from typing import Any, Final

from pydicom.dataset import Dataset

from accounts.models import Device, Person
from archive import ingest
from tests import builders, people

Names = dict[str, Any]


def stored(image: Dataset) -> Names:
    """Store an image as the CT of Radiology would."""
    ingest.store(people.actor(Device.objects.get(ae_title="CT_ONE")), builders.part10(image))
    return {"study": image.StudyInstanceUID, "series": image.SeriesInstanceUID, "sop": image.SOPInstanceUID}


def person(username: str) -> Any:
    """The actor of somebody who has just given both factors."""
    return people.actor(Person.objects.get(username=username))


def of_three() -> Names:
    who = builders.Identity()
    one, two = builders.study(2, who, ICCProfile=bytes(range(256)) * 8)
    many = builders.ct_slice(who, study_uid=one.StudyInstanceUID, SeriesNumber=2, NumberOfFrames=3)
    many.PixelData = many.PixelData * 3
    stored(two)
    stored(many)
    named = {"series2": many.SeriesInstanceUID, "many": many.SOPInstanceUID, "sop2": two.SOPInstanceUID}
    return {**stored(one), **named}


LASTING: Final = frozenset({"a study of three"})
"""What rows only read, and which is therefore prepared once."""

PREPARED: Final[dict[str, Callable[[], Names]]] = {
    "a study of three": of_three,
}
