"""Copies of the checkpoints in places that whoever owns the database does not own. Appends, and reads back."""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from django.conf import settings

from audit.anchoring.folders import Folder
from audit.errors import AnchorError

__all__ = ["AnchorError", "Folder", "Place", "places"]


class Place(Protocol):
    """An anchor: keeps the notes of each origin in the order in which they came. Its text is what people call it."""

    def append(self, origin: str, note: str) -> None:
        """Add a signed note and make it durable. Raises OSError."""

    def newest(self, origin: str) -> str | None:
        """The last whole note, or None. Raises OSError."""

    def notes(self, origin: str, extent: int) -> Iterator[str]:
        """Every whole note up to an extent, in order. Raises OSError."""

    def extent(self, origin: str) -> int:
        """How far the notes reach now, in a measure of the place's own. Raises OSError."""


def places() -> list[Place]:
    """The anchors that PACS_ANCHORS names. Raises AnchorError for what is no place outside the data."""
    return [_place(url) for url in settings.PACS_ANCHORS]


def reason(error: Exception) -> str:
    """What may be said of an anchor's fault: our own words for it, or its kind; an error of the system names paths."""
    return str(error) if isinstance(error, AnchorError) else type(error).__name__


def forget() -> None:
    """Drop the connections to buckets."""
    _bucket.cache_clear()


def _place(url: str) -> Place:
    scheme, _, path = url.partition(":")
    if scheme == "s3":
        service = (settings.PACS_ANCHOR_S3_ENDPOINT, settings.PACS_ANCHOR_S3_REGION, settings.PACS_ANCHOR_S3_PROFILE)
        return _bucket(url, *service)
    if scheme != "file":
        raise AnchorError(f"PACS_ANCHORS names {scheme}:, but only file: and s3: anchors are known.")
    place = Path(path).absolute()
    if place.resolve().is_relative_to(Path(settings.PACS_DATA_DIR).resolve()):
        raise AnchorError("PACS_ANCHORS lies inside PACS_DATA_DIR, where it would be restored with what it guards.")
    return Folder(place)


@lru_cache(maxsize=16)
def _bucket(url: str, endpoint: str, region: str, profile: str) -> Place:
    """One client for each bucket: looking for credentials and shaking hands take their time."""
    # The library for S3 is large; it is loaded where somebody named a bucket.
    from audit.anchoring.buckets import Bucket

    return Bucket(url, endpoint, region, profile)


os.register_at_fork(after_in_child=forget)
