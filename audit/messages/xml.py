"""An audit message as the XML of PS3.15 A.5.1: always well formed, one line, never longer than a bound."""

import re
from base64 import b64encode
from xml.etree import ElementTree  # nosec B405 # it writes here, and reads nothing

from audit.messages.codes import Code
from audit.messages.mapping import Message, Participant, Thing

MOST_BYTES = 31 * 1024
"""The longest document: with its syslog header it stays below the 32 KiB that every receiver takes (PS3.15 A.6)."""

LONGEST_TEXT = 400
APPLICATION_SERVER = "4"

_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>'
_CONTROL = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(message: Message) -> bytes:
    """The message as UTF-8. Objects that do not fit are left out whole, and the row's object says how many."""
    kept = [_bytes(_thing(thing)) for thing in message.things]
    row, left = _bytes(_thing(message.row)), 0
    head, tail = _frame(message)
    room = MOST_BYTES - len(head) - len(tail) - len(row)
    if sum(map(len, kept)) > room:
        room -= len(_bytes(_thing(_said(message.row, len(kept))))) - len(row)
        fitting = 0
        while fitting < len(kept) and len(kept[fitting]) <= room:
            room -= len(kept[fitting])
            fitting += 1
        left = len(kept) - fitting
        kept, row = kept[:fitting], _bytes(_thing(_said(message.row, left)))
    return head + b"".join(kept) + row + tail


def _said(row: Thing, left: int) -> Thing:
    return Thing(row.id, row.id_code, row.type, row.role, row.name, (*row.details, ("left-out", str(left))))


def _frame(message: Message) -> tuple[bytes, bytes]:
    """Everything before and behind the objects."""
    root = ElementTree.Element("AuditMessage")
    event = ElementTree.SubElement(
        root,
        "EventIdentification",
        EventActionCode=message.letter,
        EventDateTime=message.time,
        EventOutcomeIndicator=str(message.outcome),
    )
    _code(event, "EventID", message.event)
    for one in message.types:
        _code(event, "EventTypeCode", one)
    for participant in message.participants:
        _participant(root, participant)
    source = ElementTree.SubElement(root, "AuditSourceIdentification", AuditSourceID=_word(message.source.name))
    ElementTree.SubElement(source, "AuditSourceTypeCode", {"csd-code": APPLICATION_SERVER})
    tail = b"</AuditMessage>"
    return _HEAD + _bytes(root).removesuffix(tail), tail


def _participant(root: ElementTree.Element, one: Participant) -> None:
    told = {
        "UserID": _word(one.user),
        "AlternativeUserID": _text(one.alternative),
        "UserName": _text(one.name),
        "UserIsRequestor": "true" if one.requestor else "false",
    }
    if one.point:
        told |= {"NetworkAccessPointID": _word(one.point[0]), "NetworkAccessPointTypeCode": one.point[1]}
    element = ElementTree.SubElement(root, "ActiveParticipant", {name: text for name, text in told.items() if text})
    for role in one.roles:
        _code(element, "RoleIDCode", role)
    if one.media:
        _code(ElementTree.SubElement(element, "MediaIdentifier"), "MediaType", one.media)


def _thing(one: Thing) -> ElementTree.Element:
    element = ElementTree.Element(
        "ParticipantObjectIdentification",
        ParticipantObjectID=_word(one.id),
        ParticipantObjectTypeCode=one.type,
        ParticipantObjectTypeCodeRole=one.role,
    )
    _code(element, "ParticipantObjectIDTypeCode", one.id_code)
    ElementTree.SubElement(element, "ParticipantObjectName").text = _word(one.name)
    for name, text in one.details:
        value = b64encode(_text(text).encode()).decode()
        ElementTree.SubElement(element, "ParticipantObjectDetail", type=name, value=value)
    return element


def _code(parent: ElementTree.Element, name: str, code: Code) -> None:
    told = {
        "csd-code": _word(code.value),
        "codeSystemName": _word(code.system),
        "originalText": _word(code.meaning),
    }
    ElementTree.SubElement(parent, name, told)


def _text(text: str) -> str:
    """What XML may hold and one line of a collector's file, too: the rest becomes U+FFFD, what is longer is cut."""
    cut = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return _CONTROL.sub("\ufffd", cut)


def _word(text: str) -> str:
    """The same where the schema asks for something that is not blank."""
    return _text(text) if text.strip(" ") else "-"


def _bytes(element: ElementTree.Element) -> bytes:
    written: bytes = ElementTree.tostring(element, encoding="utf-8", xml_declaration=False)
    return written
