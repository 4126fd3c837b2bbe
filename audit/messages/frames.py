"""Syslog as bytes: the header of RFC 5424 and the framing of RFC 5425, and the line in which a signed note travels."""

import re
from base64 import b64decode, b64encode
from typing import NamedTuple

from audit.actions import Outcome
from audit.messages.mapping import SEVERITY

FACILITY = 10  # security and authorisation messages, as PS3.15 A.6 asks
_USUAL, _WARNING = 5, 4  # the two that PS3.15 A.6 names
_LEVELS = {SEVERITY[Outcome.OK]: _USUAL, SEVERITY[Outcome.NOT_FOUND]: _USUAL}
AUDIT = "DICOM+RFC3881"
NOTE = "CUSTOS+NOTE"
# The number that RFC 5612 keeps for examples: this project has none of its own with the IANA.
ELEMENT = "custos@32473"
_MARK = "\ufeff"
_NOTE_WORD = "custos-note"
_NOTE = re.compile(_NOTE_WORD + " ((?:[A-Za-z0-9+/]{4}){10,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)")
_UNSAFE = re.compile(r"[^\x21-\x7e]")


class Head(NamedTuple):
    """What the header says of any message: RFC 3339 time, the machine, the process, and which log it is about."""

    time: str
    host: str
    process: int
    log: int


def audit(head: Head, document: bytes, *, outcome: int, seq: int) -> bytes:
    """A framed audit message; `outcome` is the EventOutcomeIndicator."""
    data = f'[{ELEMENT} log="{head.log}" seq="{seq}"]'
    return framed(_header(head, _LEVELS.get(outcome, _WARNING), AUDIT, data) + _MARK.encode() + document)


def note(head: Head, text: str, *, size: int) -> bytes:
    """A framed message that carries a signed note whole, in one word, so that a search of a file brings it back."""
    data = f'[{ELEMENT} log="{head.log}" size="{size}"]'
    return framed(_header(head, _USUAL, NOTE, data) + f"{_NOTE_WORD} {b64encode(text.encode()).decode()}".encode())


def framed(message: bytes) -> bytes:
    """A message behind its length in octets (RFC 5425 §4.3)."""
    return b"%d %s" % (len(message), message)


def notes_in(line: str) -> list[str]:
    """The whole notes in a line of a collector's file, whatever stands around them; a torn one is passed over."""
    notes = [b64decode(word).decode(errors="replace") for word in _NOTE.findall(line)]
    return [note for note in notes if "\n\n\N{EM DASH} " in note and note.endswith("\n")]


def _header(head: Head, level: int, kind: str, data: str) -> bytes:
    host = _UNSAFE.sub("_", head.host)[:255] or "-"
    return f"<{FACILITY * 8 + level}>1 {head.time} {host} custos {head.process} {kind} {data} ".encode("ascii")
