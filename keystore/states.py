"""What an operator may know of roots and epochs: everything but keys."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Count

from keystore import roots
from keystore.errors import KeystoreError
from keystore.models import EpochKey


class Epoch(NamedTuple):
    """One epoch. Between ``ended_at`` and ``gone`` its keys are on their way to the present one."""

    id: UUID
    number: int
    created_at: datetime
    root_id: UUID
    ended_at: datetime | None
    gone: bool
    recoverable: bool
    installation_keys: int


class RootState(NamedTuple):
    """The root that PACS_KEK_URL names: where it is, which it is, and in words what is wrong with it, if anything."""

    place: str
    id: UUID | None
    trouble: str


def epochs() -> list[Epoch]:
    """Every epoch there ever was, the oldest first."""
    found = EpochKey.objects.annotate(keys=Count("installationkey")).order_by("number")
    return [
        Epoch(
            row.id,
            row.number,
            row.created_at,
            row.root_id,
            row.ended_at,
            not row.wrapped,
            bool(row.recovery),
            row.keys,
        )
        for row in found
    ]


def root() -> RootState:
    """The root in use."""
    try:
        found = roots.from_url(settings.PACS_KEK_URL)
    except KeystoreError as error:
        return RootState(settings.PACS_KEK_URL.partition(":")[0], None, str(error))
    return RootState(found.describe(), found.id, "")
