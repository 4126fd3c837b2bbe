"""How a connection ends before its time. None of these texts holds a value that the peer sent."""

from dataclasses import dataclass


class Gone(Exception):
    """The peer closed the connection, or the connection broke."""


class TooSlow(Exception):
    """The peer was silent, or sent less than the least rate, for longer than it may."""


class Broken(Exception):
    """The peer sent what PS3.8 does not allow; answered with A-ABORT."""


class Untrusted(Exception):
    """The TLS handshake failed: there was no certificate, not a good one, or nothing of TLS that is strong enough."""


class Withdrawn(Exception):
    """The device may no longer speak here: its rights changed while it was connected. Answered with A-ABORT."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 §9.3.4), and why in words."""

    result: int
    source: int
    reason: int
    words: str


class Rejected(Exception):
    """The association is not accepted; recorded and answered with A-ASSOCIATE-RJ."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.words)
        self.rejection = rejection
