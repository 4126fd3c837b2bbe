"""The packs as the place where they lie tells of them, for those who compare it with the index."""

from archive import stores
from archive.errors import Unavailable
from archive.models import Pack
from archive.stores import Lying


def away() -> bool:
    """Whether the place of the packs is empty though there should be some: a disk not mounted has lost no pack.

    Raises Unavailable where the place does not answer.
    """
    try:
        return Pack.objects.filter(removed_at=None).exists() and stores.store().empty()
    except OSError:
        raise Unavailable("The place of the packs cannot be read.") from None


def require_present() -> None:
    """Return unless the packs are away. Raises Unavailable."""
    if away():
        raise Unavailable("The place of the packs is empty or not there. Nothing was read, and nothing marked.")


def lying() -> dict[str, Lying]:
    """Every pack that lies there, by name. Raises Unavailable."""
    try:
        return {one.name: one for one in stores.store().lying()}
    except OSError:
        raise Unavailable("The place of the packs cannot be read.") from None
