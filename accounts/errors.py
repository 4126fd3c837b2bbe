"""How this room says no. Edges map the refusals of the gate once each; none of them says whether a study exists."""

from audit.errors import LogUnavailable


class RightsUnknown(LogUnavailable):
    """The access epoch could not be read in the last two seconds: what was revoked meanwhile is unknown, so nothing
    leaves. Edges answer as for the record they cannot write: HTTP 503, DIMSE 0xA700 or 0xA702.
    """


class Refused(Exception):
    """Base: the act was refused and the refusal is on record."""


class NotVisible(Refused):
    """Unknown, or not this actor's to see: HTTP 404, no match on the wire. The two look the same from outside."""


class Forbidden(Refused):
    """The actor lacks the permission for this kind of act at all: HTTP 403, DIMSE 0x0124."""


class StepUpNeeded(Refused):
    """A fresh second factor is needed first: HTTP 403 with a pointer to it."""


class Unacceptable(Exception):
    """What was entered cannot be kept. `field` names the entry, the text is for the person who made it."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class AgainstRules(Unacceptable):
    """What was entered is against a rule about rights; `rule` names it for the record, where the refusal stands."""

    def __init__(self, field: str, words: str, rule: str) -> None:
        super().__init__(field, words)
        self.rule = rule
