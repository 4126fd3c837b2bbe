"""Unique identifiers: what one looks like (PS3.5 §9.1), and how transfer syntaxes encode a data set (PS3.5 §10)."""

import re
from dataclasses import dataclass

from archive.errors import Malformed

# Components carry no leading zero in the standard. The field breaks exactly this rule, so a zero there is tolerated:
# digits and single dots are all that our paths, messages and answers rely on.
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_LONGEST = 64

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
# GE's private syntax: implicit little endian elements, pixels big endian.
_IMPLICIT = frozenset({IMPLICIT_LITTLE, "1.2.840.113619.5.2"})
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the elements of a data set are written."""

    explicit: bool = True
    big: bool = False


def encoding(transfer_syntax: str) -> Encoding:
    """The element encoding of a transfer syntax; an unknown one is explicit little endian, as all newer ones are."""
    if transfer_syntax in _IMPLICIT:
        return Encoding(explicit=False)
    return Encoding(big=transfer_syntax == EXPLICIT_BIG)


def uid(raw: bytes | str, what: str) -> str:
    """The UID in an element's value, its padding removed. Raises Malformed unless it is a good one."""
    try:
        text = raw if isinstance(raw, str) else raw.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed(f"The {what} is not a valid UID.") from None
    # PS3.5 §9.1 pads with one NUL; blanks come from old equipment.
    text = text.rstrip("\0 ")
    if len(text) > _LONGEST or not _UID.fullmatch(text) or not text.isascii():
        raise Malformed(f"The {what} is missing or not a valid UID.")
    return text
