"""A study whose key may have become known is sealed anew under another one, while it is viewed and sent as ever.

The new key seals what comes from the transaction on in which the study's row names it; then what is stored follows,
batch by batch (`archive.keeping.resealing`). The key before it is leaving until nobody can be reading what lay under
it, and then former (`archive.keeping.retiring`). Cut off anywhere, the command given again goes on where it was.

A study in the trash is sealed anew as well, since it can be restored, and one under legal hold, since every bit stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import epoch, gate, identify
from accounts.actors import Actor
from archive import contexts, jobs, keys, turn
from archive.errors import Unavailable, Unsuitable
from archive.fixity import whereabouts
from archive.jobs import Work
from archive.keeping import resealing, retiring
from archive.keeping.resealing import Passed
from archive.models import Held, Job, Study
from archive.rebuilding import settling
from archive.tending import discarding, naming
from audit.actions import Action
from audit.receipts import Receipt
from keystore import keys as keystore

ACTOR = "rekey"
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A study's present key, how many objects passed to it now, and what did not open and stays as it was."""

    key: UUID
    objects: int
    left: tuple[str, ...]


def rekey(actor: Actor, study_uid: str, *, anew: bool = False, tell: Tell = lambda _done, _total: None) -> Rekeyed:
    """Seal a study under a new key, or go on with what was cut off, or left because it did not open.

    `anew` draws another key though some of it still lies under an older one; `tell` hears how far it is. Raises
    Forbidden, NotVisible, Unsuitable when the study is destroyed meanwhile, Damaged when its key does not open, and
    Unavailable while the packs are away, the disk is full, another care of the packs is under way, or what was
    acknowledged under the key before has not got its rows.
    """
    gate.permit(actor, Action.REKEYED, subject=study_uid)
    study = Study.objects.select_related("patient").filter(uid=study_uid).first()
    if study is None:
        with gate.change(actor, Action.REKEYED, study_uid=study_uid, found=False):
            raise Unsuitable("There is no such study.")
    with turn.tending():
        whereabouts.require_present()
        if anew or not _unfinished(study_uid):
            _begin(study)
        settling.require(study.id)
        study = _as_it_is(study, Study.objects.select_related("patient"))
        passed = resealing.run(study, lambda: keys.unlock(_receipt(study), study_uid), tell)
        return _end(actor, study, passed)


def _receipt(study: Study) -> Receipt:
    """Leave to open a study in order to seal it anew, on record as the work of the job `rekey`."""
    return gate.disclose(
        identify.system(ACTOR),
        Action.REKEYED,
        study.uid,
        found=True,
        patient=study.patient.pseudonym,
        count=study.instance_count,
        details={"key": str(study.key_id)},
    )


def _unfinished(study_uid: str) -> bool:
    """Whether a key of the study is leaving without having been left: work was cut off, or something did not open."""
    leaving = {str(row) for row in keys.of_studies([study_uid], [keys.LEAVING]).values_list("id", flat=True)}
    left = Job.objects.filter(kind=retiring.JOB, subject__in=leaving, state__in=("due", "claimed"))
    return not leaving <= set(left.values_list("subject", flat=True))


def _begin(study: Study) -> None:
    """Let the study have another key from now on. Nothing is sealed under it before it has been read back."""
    keystore.current_epoch()  # ahead of the transaction: it may ask a slow root
    with transaction.atomic(durable=True):
        row = _locked(study)
        row.key_id = keys.replace(study.uid).id
        row.save(update_fields=["key"])
        # Every process forgets the key before; a sender that still holds it is refused by the index and tries anew.
        epoch.raise_()
    contexts.drop(study.id)
    if keys.ensure(keys.STUDY, [study.uid])[study.uid].id != row.key_id:
        raise Unavailable("The new key cannot be read back.")


def _end(actor: Actor, study: Study, passed: Passed) -> Rekeyed:
    """Write the event, and promise that keys and packs go in which nothing is left, once no reader is on the way."""
    # Asked ahead of the transaction: what is under a key that was replaced becomes less, and never more.
    under = resealing.keys_under(_as_it_is(study, Study.objects.all()))
    with gate.change(
        actor, Action.REKEYED, study_uid=study.uid, patient=study.patient.pseudonym, count=passed.objects
    ) as told:
        row = _locked(study)
        if row.key_id != study.key_id:
            raise Unavailable("The study was given yet another key meanwhile; give the command again.")
        # Copies that were found the same and released: their bytes are gone, so that their digest cannot be made anew.
        # Without it the next such copy is compared once more.
        Held.objects.filter(study=study, state="same").exclude(key_id=row.key_id).delete()
        leaving = set(keys.of_studies([study.uid], [keys.LEAVING]).values_list("id", flat=True))
        jobs.promise_many(Work(retiring.JOB, str(key), retiring.GRACE) for key in leaving - under)
        discarding.promise(naming.left_by(study.id))
        told |= {"key": str(row.key_id), "replaced": sorted(map(str, leaving)), "left": list(passed.left)}
    return Rekeyed(row.key_id, passed.objects, passed.left)


def _locked(study: Study) -> Study:
    return _as_it_is(study, Study.objects.select_for_update())


def _as_it_is(study: Study, rows: QuerySet[Study]) -> Study:
    row = rows.filter(id=study.id, uid=study.uid).first()
    if row is None:
        raise Unsuitable("The study was destroyed meanwhile.")
    return row
