"""Passwords that a guesser tries first: common ones behind a few digits, and words of this very place. All offline."""

import re
from functools import cache
from itertools import pairwise
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Person

NAMES_OF_OURS: Final = ("custos", "pacs")
SHORTEST_WORD: Final = 4
LEFT_OVER: Final = 8
"""What remains beside words of the place must by itself be as long as the shortest password of SP 800-63B-4."""
FEW_SIGNS: Final = 5
_EDGES: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_SIGNS: Final = re.compile(r"[\W_]+")


class NotGuessable:
    """A validator of Django's kind: refuses common passwords in disguise, and what is made of names known here."""

    def validate(self, password: str, user: Person | None = None) -> None:
        """Return if nobody would guess the password early. Raises ValidationError with words for the person."""
        folded = password.casefold()
        core = _EDGES.sub("", folded)
        if len(set(folded)) < FEW_SIGNS or _runs(folded) or {core, _repeated(core)} & common():
            raise ValidationError(_("This password is one of those that are tried first."))
        left = folded
        for word in sorted(words_of(user), key=len, reverse=True):
            left = left.replace(word, " ")
        if left != folded and len(_SIGNS.sub("", left)) < LEFT_OVER:
            raise ValidationError(_("This password is made of names that anybody here would try first."))

    def get_help_text(self) -> str:
        return ""


def words_of(person: Person | None) -> set[str]:
    """Return the words that say where and whose: the program's, the host's, the person's own names."""
    told = [*NAMES_OF_OURS, *settings.PACS_HOSTS]
    if person is not None:
        told += [person.username, person.full_name]
    parts = {part for one in told for part in (one.casefold(), *re.split(r"[\W_\d]+", one.casefold()))}
    return {part for part in parts if len(part) >= SHORTEST_WORD}


@cache
def common() -> frozenset[str]:
    """Return the 20,000 commonest passwords, which come with Django."""
    return frozenset(CommonPasswordValidator().passwords)


def _repeated(text: str) -> str:
    """Return what a text repeats from beginning to end, or the text."""
    again = (text + text).find(text, 1)
    return text[:again] if 0 < again < len(text) else text


def _runs(text: str) -> bool:
    """Tell whether each sign is the next one, or each the one before: abcdef…, 987654…"""
    return len({ord(later) - ord(sign) for sign, later in pairwise(text)}) == 1
