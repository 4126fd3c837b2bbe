"""The files of the packs as the disk has them, for those who compare it with the index."""

from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from archive.errors import Unavailable
from archive.models import Pack


def away() -> bool:
    """Whether the place of the packs is empty though there should be some: a disk not mounted has lost no pack."""
    place = _place()
    return place is not None and Pack.objects.exists() and not (place.is_dir() and any(place.iterdir()))


def require_present() -> None:
    """Return unless the packs are away. Raises Unavailable."""
    if away():
        raise Unavailable("The place of the packs is empty or not there. Nothing was read, and nothing marked.")


def sizes() -> dict[str, int]:
    """The size of each pack that lies there, by name. Raises Unavailable where packs do not lie on a disk."""
    place = _place()
    if place is None:
        raise Unavailable("Packs can be listed on a disk only.")
    found = {}
    for path in place.rglob("*.pack"):
        try:
            found[str(path.relative_to(place)).removesuffix(".pack")] = path.stat().st_size
        except FileNotFoundError:
            continue  # It was removed while the folder was being read.
    return found


def _place() -> Path | None:
    url = urlsplit(settings.PACS_BLOB_URL)
    return Path(url.path) if url.scheme == "file" else None
