"""The second certificate of destruction: the epochs that wrapped its keys have ended, here and in backups.

Until then copies of the database or of its keys from before could open the study. The certificate names the backup
places whose keys were replaced, and those that were not reached, where it can still be opened.
"""

from uuid import UUID

from django.utils import timezone

from accounts.models import Destroyed
from archive import certificates
from archive.backup.places import Replaced
from archive.sealing import microseconds
from keystore import keys as keystore
from keystore import states

VERSION = 1


def origin() -> str:
    """The first line of such a certificate and the name of its signer."""
    return f"custos/{keystore.installation_uuid()}/closed"


def close(actor: str, replaced: Replaced) -> list[UUID]:
    """Sign for every destroyed study whose epochs have all ended and that no such certificate closed without a miss.

    Returns the certificates of destruction that are closed now, in every registered place. May be repeated; raises
    Unavailable where an anchor does not take the note, which is kept and tried again next time.
    """
    gone = {one.id for one in states.epochs() if one.gone}
    open_ = [row for row in Destroyed.objects.filter(closed_at=None).order_by("created_at") if _epochs(row) <= gone]
    if not open_:
        return []
    now = timezone.now()
    told = {
        "version": VERSION,
        "certificates": [str(row.id) for row in open_],
        "epochs": sorted({str(epoch) for row in open_ for epoch in _epochs(row)}),
        "reached": list(replaced.reached),
        "missed": list(replaced.missed),
        "at_us": microseconds(now),
        "actor": actor,
    }
    note = certificates.signed(origin(), told)
    ids = [row.id for row in open_]
    Destroyed.objects.filter(id__in=ids).update(closing=note)
    certificates.copy(note)
    if replaced.missed:
        return []
    Destroyed.objects.filter(id__in=ids).update(closed_at=now)
    return ids


def _epochs(row: Destroyed) -> frozenset[UUID]:
    return certificates.read(row.note).epochs
