"""What a sender is told: the one table from errors to statuses of the wire (PS3.4 §B.2.3, PS3.7 Annex C)."""

from typing import Final

from django.db import Error as DatabaseFault

from accounts.errors import Refused
from archive.errors import ArchiveError, Damaged, Malformed, Mismatch, RootKeyError, Unavailable, Unsuitable, Unwanted
from audit.errors import LogUnavailable

SUCCESS: Final = 0x0000
PROCESSING_FAILURE: Final = 0x0110
CLASS_NOT_SUPPORTED: Final = 0x0122
NOT_AUTHORISED: Final = 0x0124
UNRECOGNIZED_OPERATION: Final = 0x0211
OUT_OF_RESOURCES: Final = 0xA700
MISMATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000

# The first kind that an error is an instance of decides. A comment of ours stands beside the status, because nothing
# of what went wrong inside belongs on the wire; only ArchiveError promises a text that is safe to show.
STATUSES: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (Malformed, CANNOT_UNDERSTAND, ""),
    (Unsuitable, CANNOT_UNDERSTAND, ""),
    (Mismatch, MISMATCH, ""),
    (Unwanted, CLASS_NOT_SUPPORTED, ""),
    (Unavailable, OUT_OF_RESOURCES, ""),
    (Damaged, PROCESSING_FAILURE, ""),
    (ArchiveError, PROCESSING_FAILURE, ""),
    (Refused, NOT_AUTHORISED, "This device may not do this."),
    (LogUnavailable, OUT_OF_RESOURCES, "The archive is paused. Send again later."),
    (RootKeyError, OUT_OF_RESOURCES, "The archive is paused. Send again later."),
    (DatabaseFault, OUT_OF_RESOURCES, "The archive is busy. Send again later."),
    (MemoryError, OUT_OF_RESOURCES, "The archive is busy. Send again later."),
)


def status(error: Exception) -> tuple[int, str]:
    """Return the status and the comment for an error; what nobody foresaw is a processing failure."""
    for kind, code, comment in STATUSES:
        if isinstance(error, kind):
            return code, comment or str(error)
    return PROCESSING_FAILURE, "The archive could not process this object."
