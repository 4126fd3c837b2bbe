"""The last step of giving a study another key: the key before it opens nothing more but details in the log.

Some minutes later than the rest, because a reader may have looked up the old place of an object just before.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from accounts import epoch, gate, identify
from archive import erasing, keys
from archive.errors import Unavailable
from archive.keeping import resealing
from archive.models import Study, StudyKey
from archive.tending import discarding
from audit.actions import Action
from keystore import keys as keystore

JOB: Final = "retire"
GRACE: Final = discarding.DELAY


def retire(subject: str, progress: Callable[[int, int], None]) -> None:
    """The job `retire`: make a leaving key (`subject`) a former one.

    Nothing happens while the index names anything under it. Raises Unavailable where the database cannot be cleaned.
    """
    key = StudyKey.objects.filter(id=UUID(subject), scope__in=(keys.LEAVING, keys.FORMER)).first()
    study = None if key is None else Study.objects.select_related("patient").filter(id=key.owner).first()
    if key is None or study is None:
        return
    if key.scope == keys.LEAVING and key.id not in resealing.keys_under(study):
        _retire(key, study)
    progress(1, 2)
    erasing.journals()
    progress(2, 2)


def _retire(key: StudyKey, study: Study) -> None:
    keystore.current_epoch()  # ahead of the transaction: it may ask a slow root
    with gate.change(
        identify.system("rekey"), Action.REKEYED, study_uid=study.uid, patient=study.patient.pseudonym
    ) as told:
        if not Study.objects.select_for_update().filter(id=study.id) or not keys.retire(key.id):
            raise Unavailable("The study changed meanwhile.")
        epoch.raise_()
        told["former"] = str(key.id)
