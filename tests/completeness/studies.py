"""What is prepared of a study ahead of a row. Each yields names that the row may use."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts import scope
from accounts.models import Device, Hold, Person, Withdrawn
from archive import destruction, ingest, newcomers, removal
from archive.models import Held
from tests import builders, people

Names = dict[str, Any]


def stored(image: Dataset) -> Names:
    """Store an image as the CT of Radiology would."""
    ingest.store(people.actor(Device.objects.get(ae_title="CT_ONE")), builders.part10(image))
    return {"study": image.StudyInstanceUID, "series": image.SeriesInstanceUID, "sop": image.SOPInstanceUID}


def actor(username: str) -> Any:
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


def study() -> Names:
    names = stored(builders.ct_slice())
    return {**names, "end": names["study"][-6:]}


def numbered() -> Names:
    image = builders.ct_slice()
    return {**stored(image), "number": image.PatientID}


def two() -> Names:
    who = builders.Identity()
    stored(builders.ct_slice(who))
    return stored(builders.ct_slice(who))


def offered(image: Dataset) -> Names:
    """An image that somebody is about to send, as a file and as the wire sends it."""
    return {"image": image, "file": builders.part10(image)}


def offered_large() -> Names:
    """An image that is sealed as it arrives."""
    return offered(builders.ct_slice(side=1700))


def again() -> Names:
    image = builders.ct_slice()
    return {**stored(image), **offered(image)}


def conflicting() -> Names:
    """Another image under the UIDs of one that is there, of the same length."""
    image = builders.ct_slice()
    names = stored(image)
    image.PixelData = bytes(len(image.PixelData))
    return {**names, **offered(image)}


def for_the_trash() -> Names:
    one, other = builders.study(2)
    names = stored(one)
    removal.trash(actor("technologist"), names["study"])
    return {**names, **offered(other)}


def broken() -> Names:
    return {"file": b"no DICOM file at all"}


def comparing() -> Names:
    names = conflicting()
    ingest.store(people.actor(Device.objects.get(ae_title="CT_ONE")), names["file"])
    return {**names, "held": str(Held.objects.get(study__uid=names["study"]).id)}


def held() -> Names:
    names = comparing()
    newcomers.compare(names["held"], lambda _done, _total: None)
    return names


def trashed() -> Names:
    names = study()
    removal.trash(actor("technologist"), names["study"])
    return names


def over() -> Names:
    names = trashed()
    Withdrawn.objects.filter(study_uid=names["study"]).update(at=timezone.now() - timedelta(days=4000))
    return names


def under_hold() -> Names:
    names = study()
    removal.hold(actor("privacy"), names["study"], "A court asked.")
    return names


def trashed_under_hold() -> Names:
    names = over()
    Hold.objects.create(study_uid=names["study"], at=timezone.now(), by="privacy")
    return names


def destroyed() -> Names:
    names = over()
    return {**names, "certificate": str(destruction.begin(actor("keeper"), names["study"]))}


def restricted() -> Names:
    names = study()
    with transaction.atomic():
        scope.restrict([names["study"]])
    return names
