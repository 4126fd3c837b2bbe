"""How a connection ends before its time. None of these texts holds a value that the peer sent."""

from dataclasses import dataclass


class Gone(Exception):
    """The peer closed the connection, or the connection broke."""


class TooSlow(Exception):
    """The peer was silent, or sent less than the least rate, for longer than it may."""


class Broken(Exception):
    """The peer sent what PS3.8 does not allow; answered with A-ABORT."""


class Untrusted(Exception):
    """The TLS handshake failed: there was no certificate, not a good one, or nothing of TLS that is strong enough.

    `code` is one of `accounts.failures`.
    """

    def __init__(self, words: str, code: str) -> None:
        super().__init__(words)
        self.code = code


class Withdrawn(Exception):
    """The device may no longer speak here: its rights changed while it was connected. Answered with A-ABORT."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 §9.3.4), why in words, and as `accounts.failures` has it.

    Without a code it is no fault of the device's.
    """

    result: int
    source: int
    reason: int
    words: str
    code: str = ""


class Rejected(Exception):
    """The association is not accepted; recorded and answered with A-ASSOCIATE-RJ."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.words)
        self.rejection = rejection
