"""Which spellings of a physician's name are which person: kept sealed, read by whoever manages people."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

from accounts.errors import Unacceptable
from accounts.models import Person, PhysicianLink
from keystore import keys
from vault.cells import seal_cell, unseal_cell

CELL = "accounts_physicianlink.spelling"
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Spelling:
    """A link as people read it."""

    id: UUID
    text: str


def checked(text: str) -> str:
    """A spelling as it is compared: exactly as images say it, blanks around it aside. Raises Unacceptable."""
    kept = text.strip()
    if not kept or len(kept) > LONGEST or not kept.isprintable():
        raise Unacceptable("spelling", _("A spelling has 1 to 200 characters on one line."))
    return kept


def add(person: Person, text: str, referring: UUID, performing: UUID) -> PhysicianLink:
    """Link a spelling, by its rows of the dictionary, in the caller's transaction. Raises Unacceptable where it is."""
    if PhysicianLink.objects.filter(person=person, referring=referring).exists():
        raise Unacceptable("spelling", _("This spelling is linked already."))
    key, row = keys.installation_key("field"), uuid4()
    cell = seal_cell(key.secret, key.id, CELL, row, text)
    return PhysicianLink.objects.create(
        id=row, person=person, referring=referring, performing=performing, spelling=cell
    )


def opened(links: Iterable[PhysicianLink]) -> list[Spelling]:
    """Links with their spellings, in the order of the alphabet. Raises Tampered for a cell that was changed."""
    key = keys.installation_key("field")
    found = [
        Spelling(one.id, unseal_cell(key.secret, key.id, CELL, one.id, bytes(one.spelling)).decode()) for one in links
    ]
    return sorted(found, key=lambda one: one.text)
