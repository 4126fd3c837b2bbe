"""A record opened, read back to its end, and brought into the form in which the writer takes it."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from django.utils import timezone

from accounts import identify
from accounts.actors import NOBODY, Actor
from archive import frames, packs, sealing
from archive.dataset import facts
from archive.errors import Damaged, Malformed, Mismatch, PackMissing
from archive.keys import KeyName
from archive.models import Pack, Unnamed
from archive.openers import Opener
from archive.packs import Place
from archive.rebuilding import heads
from archive.rebuilding.heads import Head
from archive.rebuilding.studies import Folder
from archive.tickets import Admission, Ticket
from vault.objects import Kind


@dataclass(frozen=True, slots=True)
class Found:
    """An image as it lies in a pack: its row of unnamed records, its head, and the writer's form of it."""

    row: Unnamed
    head: Head
    admission: Admission


def found(opener: Opener, where: Folder, row: Unnamed) -> Found:
    """One image read back. Raises Damaged where any part of it does not open, or is not what its head says."""
    try:
        head = heads.opened(opener, row)
        plain = plaintext(opener, row, head)
        said = facts(plain)
        table = frames.build(plain, said)
    except (Malformed, Mismatch):
        raise Damaged("It cannot be read as a DICOM object.") from None
    except PackMissing:
        raise Damaged("Its pack is gone.") from None
    if (said.study_uid, said.series_uid, said.sop_uid) != (head.study, head.series, head.instance):
        raise Damaged("It is another object than its head says.")
    ticket = Ticket(
        sender(head), head.arrived, part10=plain, facts=said, table=frames.encode(table), frames=table.count
    )
    one = sealing.admission(ticket, said, head.issuer)
    one.object_id, one.generation, one.place = row.object_id, row.generation, place(row)
    one.study_key, one.sealed_under = where.present, KeyName(row.key_id, row.owner)
    if row.kind == Kind.INSTANCE:
        one.sha256, one.verified_at = hashlib.sha256(plain).hexdigest(), timezone.now()
    return Found(row, head, one)


def plaintext(opener: Opener, row: Unnamed, head: Head) -> bytes:
    """What a record holds. Raises Damaged, PackMissing."""
    kind = Kind(row.kind)
    stored = packs.read(row.pack, row.offset, row.length)
    return opener.object(row.key_id, kind, row.object_id, row.generation, head.slots(kind), stored)


def sender(head: Head) -> Actor:
    """Who sent it, under the name that was written down then, with the groups of now."""
    who = identify.once(head.who) if head.who is not None else NOBODY
    return replace(who, name=head.sender, ae_title="")


def place(row: Unnamed) -> Place:
    """Where a record lies, under the id of its pack's row or one that is new."""
    pack: UUID = Pack.objects.filter(name=row.pack).values_list("id", flat=True).first() or uuid4()
    return Place(pack, row.owner, row.pack, row.offset, row.length)
