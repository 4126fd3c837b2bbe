"""What one person must not hold together, over all roles: the table, and why, in words for whoever gives roles.

Three people suffice for an archive: one who reads images, one who manages people and keys, one who reads the record.
No setting loosens this; `PACS_FOUR_EYES` is about acts, not about what people hold.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.errors import AgainstRules
from accounts.permission_words import word
from accounts.policy import Permission

READING: Final = frozenset(
    {
        *(Permission.STUDY_SEARCH, Permission.STUDY_VIEW, Permission.STUDY_DOWNLOAD, Permission.STUDY_RECONCILE),
        Permission.STUDY_SHARE,
    }
)
"""What opens names or images of patients, to oneself or to others."""
KEYS: Final = frozenset({Permission.KEYS_MANAGE, Permission.KEYS_EXPORT})


@dataclass(frozen=True, slots=True)
class Pair:
    """Whoever holds something of `one` holds nothing of `other`, because of `reason`."""

    one: frozenset[Permission]
    other: frozenset[Permission]
    reason: Promise

    def met(self, permissions: Iterable[str]) -> tuple[Permission, Permission] | None:
        """Return what of both sides is there, or None where one side is missing."""
        held = set(permissions)
        first, second = sorted(self.one & held), sorted(self.other & held)
        return (first[0], second[0]) if first and second else None


APART: Final[tuple[Pair, ...]] = (
    Pair(
        frozenset({Permission.PEOPLE_MANAGE}),
        READING,
        _("Whoever gives rights could give them to themselves: an administrator sees no images by being one."),
    ),
    Pair(
        frozenset({Permission.PEOPLE_MANAGE}),
        frozenset({Permission.LOG_READ}),
        _("Whoever gives rights is watched by those who read the record, and must not be one of them."),
    ),
    Pair(
        frozenset({Permission.GROUPS_MANAGE}),
        READING,
        _("Whoever decides which groups see a study could let themselves in."),
    ),
    Pair(
        frozenset({Permission.LOG_READ}),
        READING,
        _("Whoever reads who saw what must not be among those who are watched."),
    ),
    Pair(
        KEYS,
        READING,
        _("Whoever has keys in hand and images at hand could take both along, and the record would tell of one alone."),
    ),
    Pair(
        frozenset({Permission.STUDY_DESTROY}),
        READING | {Permission.STUDY_TRASH},
        _("Whoever works with studies, or hides one, must not be the one who destroys it for ever."),
    ),
    Pair(
        frozenset({Permission.STUDY_DESTROY}),
        frozenset({Permission.STUDY_HOLD}),
        _("Whoever releases a study from legal hold must not be the one who destroys it."),
    ),
    Pair(
        frozenset({Permission.BREAK_GLASS_REVIEW}),
        frozenset({Permission.STUDY_BREAK_GLASS}),
        _("Whoever opens a patient in an emergency must not be the one who judges whether it was right."),
    ),
)


def require(name: str, permissions: Iterable[str]) -> None:
    """Return if one person (or role, of this name) may hold all these. Raises AgainstRules with the reason."""
    held = frozenset(permissions)
    for pair in APART:
        if (both := pair.met(held)) is not None:
            told = {"name": name, "one": word(both[0]), "other": word(both[1]), "reason": str(pair.reason)}
            words = _now("“%(name)s” would hold both “%(one)s” and “%(other)s”. %(reason)s") % told
            raise AgainstRules("roles", words, "duties")
