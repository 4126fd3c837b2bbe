"""Association negotiation: A-ASSOCIATE-RQ read, A-ASSOCIATE-AC written (PS3.8 §9.3.2, §9.3.3; PS3.7 Annex D).

pynetdicom knows the items. What anybody who reaches the port can send is walked first, within bounds, and what the
standard lets a peer add is skipped, as PS3.8 §9.3.1 asks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_items import (
    AbstractSyntaxSubItem,
    ApplicationContextItem,
    ImplementationClassUIDSubItem,
    ImplementationVersionNameSubItem,
    MaximumLengthSubItem,
    PresentationContextItemAC,
    PresentationContextItemRQ,
    TransferSyntaxSubItem,
    UserInformationItem,
)

from archive.dataset.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from archive.dataset.uids import IMPLICIT_LITTLE
from archive.dimse.errors import Broken

Item = TypeVar("Item")

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
MAXIMUM_LENGTH: Final = 128 * 1024
"""The PDU length we offer to receive: the most that common senders use."""

FIXED: Final = 68
TITLES: Final = slice(10, 74)
"""Where the fields that are sent back as they came lie in an A-ASSOCIATE-AC."""

MOST_CONTEXTS: Final = 128
MOST_SYNTAXES: Final = 64
MOST_ITEMS: Final = 1024

_APPLICATION, _CONTEXT, _ABSTRACT, _TRANSFER, _USER, _MAXIMUM = 0x10, 0x20, 0x30, 0x40, 0x50, 0x51


@dataclass(frozen=True, slots=True)
class Proposal:
    """One presentation context as proposed: a SOP class and the transfer syntaxes it may come in."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """An A-ASSOCIATE-RQ. AE titles are trimmed; `longest` is the PDU length that the peer receives (0: any)."""

    version: int
    called: str
    calling: str
    titles: bytes
    application_context: str
    proposals: tuple[Proposal, ...]
    longest: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one proposal: 0 accepted, 1 refused to this user, 3 abstract, 4 transfer syntax not supported."""

    id: int
    result: int
    abstract_syntax: str
    transfer_syntax: str

    @property
    def accepted(self) -> bool:
        return self.result == 0


def read_request(body: memoryview) -> Request:
    """Read what follows the header of an A-ASSOCIATE-RQ; raises Broken for what is none."""
    if len(body) < FIXED:
        raise Broken("The association request is cut.")
    items = list(_items(body[FIXED:]))
    proposed = [raw for kind, raw in items if kind == _CONTEXT]
    if len(proposed) > MOST_CONTEXTS:
        raise Broken("The presentation contexts are too many.")
    contexts = [_proposal(raw) for raw in proposed]
    if len({proposal.id for proposal in contexts}) != len(contexts):
        raise Broken("The presentation contexts are not distinct.")
    application = next((raw for kind, raw in items if kind == _APPLICATION), None)
    return Request(
        version=int.from_bytes(body[0:2], "big"),
        called=_title(body[4:20]),
        calling=_title(body[20:36]),
        titles=bytes(body[4:FIXED]),
        application_context=_application(application) if application else "",
        proposals=tuple(contexts),
        longest=_longest([raw for kind, raw in items if kind == _USER]),
    )


def _application(raw: memoryview) -> str:
    return str(_decoded(ApplicationContextItem, raw).application_context_name)


def acceptance(request: Request, answers: Iterable[Answer]) -> bytes:
    """An A-ASSOCIATE-AC PDU. Nothing is answered to extended negotiation: the defaults of PS3.7 §D.3.3 hold."""
    pdu = A_ASSOCIATE_AC()
    application = ApplicationContextItem()
    application.application_context_name = APPLICATION_CONTEXT
    pdu.variable_items = [application, *map(_context_item, answers), _user()]
    encoded = bytearray(pdu.encode())
    encoded[TITLES] = request.titles
    return bytes(encoded)


def verification(calling: str, called: str, context_id: int, abstract_syntax: str) -> bytes:
    """An A-ASSOCIATE-RQ PDU of ours that proposes verification alone."""
    pdu = A_ASSOCIATE_RQ()
    pdu.called_ae_title, pdu.calling_ae_title = called, calling
    application, proposal = ApplicationContextItem(), PresentationContextItemRQ()
    abstract, transfer = AbstractSyntaxSubItem(), TransferSyntaxSubItem()
    application.application_context_name = APPLICATION_CONTEXT
    abstract.abstract_syntax_name, transfer.transfer_syntax_name = abstract_syntax, IMPLICIT_LITTLE
    proposal.presentation_context_id = context_id
    proposal.abstract_transfer_syntax_sub_items = [abstract, transfer]
    pdu.variable_items = [application, proposal, _user()]
    return bytes(pdu.encode())


def _user() -> UserInformationItem:
    user = UserInformationItem()
    longest, implementation = MaximumLengthSubItem(), ImplementationClassUIDSubItem()
    version = ImplementationVersionNameSubItem()
    longest.maximum_length_received = MAXIMUM_LENGTH
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version.implementation_version_name = IMPLEMENTATION_VERSION
    user.user_data = [longest, implementation, version]
    return user


def _context_item(answer: Answer) -> PresentationContextItemAC:
    item, syntax = PresentationContextItemAC(), TransferSyntaxSubItem()
    item.presentation_context_id, item.result_reason = answer.id, answer.result
    syntax.transfer_syntax_name = answer.transfer_syntax
    item.transfer_syntax_sub_item = [syntax]
    return item


def _items(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Walk items: one byte of type, one reserved, two of length, then the value. Yields types and whole items."""
    position, seen = 0, 0
    while position < len(data):
        seen += 1
        if len(data) - position < 4 or seen > MOST_ITEMS:
            raise Broken("An item of the association request is cut, or there are too many.")
        end = position + 4 + int.from_bytes(data[position + 2 : position + 4], "big")
        if end > len(data):
            raise Broken("The length of an item of the association request is wrong.")
        yield data[position], data[position:end]
        position = end


def _proposal(raw: memoryview) -> Proposal:
    """Read one presentation context, of which only the items that the standard names are looked at."""
    syntaxes = [kind for kind, _value in _items(raw[8:])] if len(raw) >= 8 and raw[4] & 1 else []
    if syntaxes.count(_ABSTRACT) != 1 or not 0 < syntaxes.count(_TRANSFER) <= MOST_SYNTAXES:
        raise Broken("A presentation context lacks its id or its syntaxes, or names too many.")
    item = _decoded(PresentationContextItemRQ, raw)
    transfer = tuple(str(syntax) for syntax in item.transfer_syntax if syntax)
    if not transfer:
        raise Broken("A presentation context names no transfer syntax.")
    return Proposal(raw[4], str(item.abstract_syntax), transfer)


def _longest(users: list[memoryview]) -> int:
    """The PDU length that the peer receives; 0 for any."""
    maximum = [raw for user in users[:1] for kind, raw in _items(user[4:]) if kind == _MAXIMUM and len(raw) == 8]
    return (_decoded(MaximumLengthSubItem, maximum[0]).maximum_length_received or 0) if maximum else 0


def _decoded(kind: type[Item], raw: memoryview) -> Item:
    """Let pynetdicom read one item; whatever it stumbles over is the peer's."""
    item: Any = kind()
    try:
        item.decode(bytes(raw))
    except Exception as error:
        raise Broken("An item of the association request cannot be read.") from error
    decoded: Item = item
    return decoded


def _title(raw: memoryview) -> str:
    """An AE title (PS3.5 §6.2): blanks around it are not part of it; what is not plain text becomes `?`."""
    text = bytes(raw).decode("ascii", "replace").strip(" \0")
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)
