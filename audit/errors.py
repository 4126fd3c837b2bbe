"""What can go wrong with the record."""


class AuditError(Exception):
    """Base of this app's errors."""


class LogUnavailable(AuditError):
    """The record cannot be written, or was not provably writable in the last two seconds: nothing may leave.

    Edges answer HTTP 503 with `Retry-After`, DIMSE 0xA700 or 0xA702.
    """


class NotCovered(AuditError):
    """A receipt was shown for something that it does not cover. Always a defect of ours; nothing is opened."""


class AnchorError(OSError):
    """An anchor cannot be used: the message says which setting and why."""
