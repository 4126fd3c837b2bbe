"""To which study a stored object belongs, for the pages of the record. Opens nothing and names nobody."""

from collections.abc import Iterable
from uuid import UUID

from archive.models import Held, Instance


def studies(object_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return {object: study uid} of those that are known images, stored or held back."""
    wanted = set(object_ids)
    found = dict(Instance.objects.filter(id__in=wanted).values_list("id", "series__study__uid"))
    return {**dict(Held.objects.filter(id__in=wanted).values_list("id", "instance__series__study__uid")), **found}
