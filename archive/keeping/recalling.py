"""An index from before a study was rekeyed, beside the key table of now: as it comes out of an older backup."""

from collections.abc import Iterator

from archive import keys
from archive.keeping import resealing
from archive.models import Study, StudyKey


def recall() -> list[str]:
    """Let each study go on as if it were on its way from the key that its rows name to its present one.

    In the caller's transaction, which has restored the index. Returns the UIDs of these studies: what lies under the
    keys before opens again until they are rekeyed, which an operator is to do, since those keys may be known. Raises
    Damaged where a key does not open.
    """
    return [study.uid for study in _rekeyed_since() if _recalled(study)]


def _rekeyed_since() -> Iterator[Study]:
    replaced = StudyKey.objects.filter(scope__in=(keys.LEAVING, keys.FORMER)).values("subject")
    yield from Study.objects.filter(uid__in=replaced).order_by("uid")


def _recalled(study: Study) -> bool:
    former = set(keys.of_studies([study.uid], [keys.FORMER]).values_list("id", flat=True))
    back = [keys.recall(key) for key in resealing.keys_under(study) & former]
    present = keys.of_studies([study.uid], [keys.STUDY]).values_list("id", flat=True).first()
    moved = present is not None and study.key_id != present
    if moved:
        Study.objects.filter(id=study.id).update(key=present)
    return moved or any(back)
