"""What can go wrong with a study. Each edge maps this hierarchy to its protocol in one place."""

# Not one of ours, but each edge maps it like Unavailable: the root key is away, as while its token is taken out.
from keystore.errors import RootKeyError as RootKeyError


class ArchiveError(Exception):
    """Base. The text is safe to show and to record: never a value of a data set."""


class Malformed(ArchiveError):
    """The bytes are not a DICOM object that can be kept: DIMSE 0xC000, HTTP 400 or failure reason 0xC000."""


class Mismatch(ArchiveError):
    """The object is not what it was announced to be (class, instance or study UID): DIMSE 0xA900."""


class Unwanted(ArchiveError):
    """This sender may not store this SOP class: DIMSE 0x0122."""


class Unavailable(ArchiveError):
    """The archive cannot do this now, and will later: DIMSE 0xA700, HTTP 503 with Retry-After."""


class NotDurable(Unavailable):
    """The disk or the bucket did not take what was written; who asked is told so, and nothing is tried again."""


class Unsuitable(ArchiveError):
    """The request cannot be met for this object (no such frame, not an image): HTTP 404, 400 or 406."""


class Undecodable(Unsuitable):
    """The pixels are in a form that cannot be turned into the one asked for here: HTTP 406."""


class Damaged(ArchiveError):
    """A stored object does not open: changed, cut, moved or rotten. HTTP 422; an alert has been raised."""


class PackMissing(Damaged):
    """A whole pack is not where the store keeps packs."""
