"""Which pseudonyms are one patient: merges and corrections write it here, the report on a patient reads it."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from audit.models import Alias


def join(pseudonym: str, same_as: str, reason: str) -> None:
    """Note, in the caller's transaction if there is one, that two pseudonyms are one patient. Once is enough."""
    if pseudonym == same_as or same_as in all_of(pseudonym):
        return
    with transaction.atomic():
        Alias.objects.get_or_create(pseudonym=pseudonym, same_as=same_as, defaults={"reason": reason})


def all_of(pseudonym: str) -> frozenset[str]:
    """Every pseudonym of the patient, this one among them; joins of joins count, and circles end."""
    known: frozenset[str] = frozenset()
    fresh = frozenset({pseudonym})
    while fresh:
        known |= fresh
        fresh = frozenset(_beside(fresh)) - known
    return known


def _beside(pseudonyms: Iterable[str]) -> list[str]:
    names = list(pseudonyms)
    pairs = Alias.objects.filter(Q(pseudonym__in=names) | Q(same_as__in=names)).values_list("pseudonym", "same_as")
    return [name for pair in pairs for name in pair]
