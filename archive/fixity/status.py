"""What people are told of the state of a study's images: sealed, verified, damaged, and what was found when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, Q

from accounts import scope
from accounts.actors import Actor
from accounts.errors import NotVisible
from archive.models import Finding, Instance


@dataclass(frozen=True, slots=True)
class Summary:
    """The state of a study: how many images, how many of them damaged, and since when every other one is verified.

    `verified_at` is None while an image waits to be read back.
    """

    images: int
    damaged: int
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Image:
    """The state of one image. `sha256` is that of the file as received, empty until it was read back."""

    id: UUID
    uid: str
    number: int | None
    series_number: int | None
    current: bool
    received_at: datetime
    verified_at: datetime | None
    damaged_at: datetime | None
    sha256: str

    @property
    def state(self) -> str:
        if self.damaged_at is not None:
            return "damaged"
        return "verified" if self.verified_at is not None else "sealed"


@dataclass(frozen=True, slots=True)
class Found:
    """One damage: which part, why, both digests where they differ, and from when to when."""

    what: str
    error: str
    expected: str
    found: str
    found_at: datetime
    last_at: datetime
    mended_at: datetime | None


def summary(actor: Actor, study_uid: str) -> Summary:
    """The state of a study whose header the actor was shown. Raises NotVisible where it is out of scope."""
    _require(actor, study_uid)
    rows = Instance.objects.filter(study__uid=study_uid, current=True)
    whole = Q(damaged_at=None)
    told = rows.aggregate(
        images=Count("id"),
        damaged=Count("id", filter=~whole),
        waiting=Count("id", filter=whole & Q(verified_at=None)),
        oldest=Min("verified_at", filter=whole),
    )
    return Summary(told["images"], told["damaged"], None if told["waiting"] else told["oldest"])


def images(actor: Actor, study_uid: str) -> list[Image]:
    """Every image of a study, what is damaged first, replaced ones too. Raises NotVisible where it is out of scope."""
    _require(actor, study_uid)
    rows = Instance.objects.filter(study__uid=study_uid).values_list(
        "id", "uid", "number", "series__number", "current", "received_at", "verified_at", "damaged_at", "sha256"
    )
    return sorted((Image(*row) for row in rows), key=_order)


def history(actor: Actor, study_uid: str, image: UUID) -> list[Found]:
    """What was found in one image of a study, the newest first. Raises NotVisible where the study is out of scope."""
    _require(actor, study_uid)
    if not Instance.objects.filter(id=image, study__uid=study_uid).exists():
        return []
    rows = Finding.objects.filter(object_id=image).order_by("-found_at")
    columns = ("what", "error", "expected", "found", "found_at", "last_at", "mended_at")
    return [Found(*row) for row in rows.values_list(*columns)]


def _require(actor: Actor, study_uid: str) -> None:
    if scope.covers(actor, study_uid) is False:
        raise NotVisible


def _order(image: Image) -> tuple[bool, bool, int, int, str]:
    return (image.damaged_at is None, not image.current, image.series_number or 0, image.number or 0, image.uid)
