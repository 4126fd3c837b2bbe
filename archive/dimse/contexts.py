"""Which presentation contexts are accepted: everything that is stored, as it is sent, from those who may store."""

from typing import Final

from accounts.actors import Actor
from accounts.policy import Permission
from archive import sop_classes
from archive.dataset.uids import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, uid
from archive.dimse.negotiation import Answer, Proposal
from archive.errors import Malformed

VERIFICATION: Final = "1.2.840.10008.1.1"

# The results of PS3.8 §9.3.3.2 that are given here.
ACCEPTED, REFUSED, UNKNOWN_CLASS, UNKNOWN_SYNTAX = 0, 1, 3, 4


def answer(proposal: Proposal, actor: Actor) -> Answer:
    """Decide on one proposal of a known device."""
    syntax = preferred(proposal.transfer_syntaxes)
    result = _class_result(proposal.abstract_syntax, actor)
    if result == ACCEPTED and not _is_uid(syntax):
        result = UNKNOWN_SYNTAX
    return Answer(proposal.id, result, proposal.abstract_syntax, syntax)


def _class_result(abstract_syntax: str, actor: Actor) -> int:
    """Verification for everybody known; every class that can be kept, private ones too, for those who may store it."""
    if abstract_syntax == VERIFICATION:
        return ACCEPTED
    if not _is_uid(abstract_syntax) or not sop_classes.is_storage(abstract_syntax):
        return UNKNOWN_CLASS
    stores = Permission.STUDY_STORE in actor.permissions and sop_classes.allowed(actor, abstract_syntax)
    return ACCEPTED if stores else REFUSED


def preferred(transfer_syntaxes: tuple[str, ...]) -> str:
    """Choose as the sender would: its first, but explicit rather than implicit VR, and little rather than big endian.

    The explicit form keeps the VR of private elements; both are encodings of the same uncompressed values.
    """
    first = transfer_syntaxes[0]
    if first in (IMPLICIT_LITTLE, EXPLICIT_BIG) and EXPLICIT_LITTLE in transfer_syntaxes:
        return EXPLICIT_LITTLE
    return first


def _is_uid(text: str) -> bool:
    try:
        uid(text, "syntax")
    except Malformed:
        return False
    return True
