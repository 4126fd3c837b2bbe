"""What was acknowledged ahead of its rows and lost them with its process: stored again, from its record in the pack.

Only packs that bear the mark are looked through (`archive.owed`), and only once nobody who lives writes to them. Each
object goes the writer's own way, under the sender, the moment and the issuer that its head tells, so that a copy is
judged as any copy is. Cut off anywhere it may be begun again: what has its rows is the same by then.
"""

import logging
import time
from dataclasses import replace
from typing import Final
from uuid import UUID

from accounts import identify
from accounts.actors import NOBODY, Actor
from accounts.errors import NotVisible
from archive import ingest, stores
from archive.errors import ArchiveError, Damaged, PackMissing, Unavailable
from archive.models import Pack
from archive.rebuilding import finding, opening, studies
from archive.rebuilding.heads import Head
from archive.rebuilding.opening import Found
from archive.rebuilding.studies import Folder, Openers
from archive.rebuilding.walking import Record, walk
from archive.stores import Disk, Lying
from archive.tickets import Ticket
from audit import alerts, turns
from vault.objects import Kind

logger = logging.getLogger(__name__)

TURN: Final = "settling"
EVERY_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 60.0
_looked_at: float | None = None


def forget() -> None:
    """Look again at once."""
    global _looked_at
    _looked_at = None


def tick() -> None:
    """Settle what a process has left that ended meanwhile; call it as often as you like, it looks once a minute."""
    global _looked_at
    if _looked_at is None or time.monotonic() - _looked_at >= EVERY_SECONDS:
        _looked_at = time.monotonic()
        run()


def run(study_row: UUID | None = None) -> int:
    """Store again what is owed and has no process any more, of one study or all; return how many objects that were.

    What cannot be read or stored now keeps its mark, and is told in the program's log. Raises DatabaseError.
    """
    store = stores.store()
    rows = Pack.objects.filter(owed=True, removed_at=None).order_by("study", "name")
    if study_row is not None:
        rows = rows.filter(study=study_row)
    if not isinstance(store, Disk) or not rows.exists():
        return 0
    done, openers = 0, Openers(purpose="settle")
    with turns.alone(TURN) as mine:
        for pack in rows if mine else ():
            try:
                if store.is_written(pack.name):
                    continue
                done += _settle(openers, store, pack)
            except (ArchiveError, NotVisible, OSError) as error:
                logger.error("a pack with acknowledged objects cannot be settled yet: %s", type(error).__name__)
                continue
            Pack.objects.filter(id=pack.id).update(owed=False)
    if done:
        logger.warning("%d acknowledged objects had lost their rows; they have them again", done)
    return done


def require(study_row: UUID, seconds: float = 15.0) -> None:
    """Return once nothing is owed in the packs that bear the mark now. Raises Unavailable where that takes long."""
    marked = set(Pack.objects.filter(study=study_row, owed=True).values_list("id", flat=True))
    end = time.monotonic() + seconds
    while marked and Pack.objects.filter(id__in=marked, owed=True).exists():
        ingest.settle()
        run(study_row)
        if time.monotonic() > end:
            raise Unavailable("The study is being received; give the command again in a moment.")
        time.sleep(0.05)


def _settle(openers: Openers, store: Disk, pack: Pack) -> int:
    """Store again what no row names in one pack. Raises what reading or storing raises."""
    where = studies.folder(pack.study)
    if where is None:
        return 0  # Its keys are gone: it was destroyed.
    lying = store.told(pack.name)
    records = [one for one in walk(pack.name, lying.size) if isinstance(one, Record)]
    ours = [one for one in records if one.header.kind == Kind.INSTANCE and one.header.key_id in where.usable]
    named = finding.names_of([one.header.object_id for one in ours])
    left = [one for one in ours if one.header.object_id not in named]
    return sum(_again(openers, where, lying, one) for one in left)


def _again(openers: Openers, where: Folder, lying: Lying, record: Record) -> bool:
    opener = openers.of(where)
    try:
        row = finding.unnamed(opener, where, lying, record)
        found = opening.found(opener, where, row)
    except PackMissing:
        raise
    except Damaged:
        # It may have been acknowledged and changed since, or never have been whole: a person is to know.
        alerts.raise_("damaged", lying.name, "A stored object that had not got its rows yet does not open.")
        return False
    ingest.restore(_ticket(found)).result(WAIT_SECONDS)
    return True


def _ticket(found: Found) -> Ticket:
    head, before = found.head, found.admission.ticket
    return Ticket(
        _sender(head),
        head.arrived,
        part10=before.part10,
        facts=before.facts,
        table=before.table,
        frames=before.frames,
        issuer=head.issuer,
    )


def _sender(head: Head) -> Actor:
    """Who sent it, as the record named it then; with the groups of now."""
    sender = identify.once(head.who) if head.who is not None else NOBODY
    return sender if sender.ae_title else replace(sender, name=head.sender)
