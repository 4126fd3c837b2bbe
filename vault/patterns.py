"""DICOM's matching with ``*`` and ``?`` (PS3.4 §C.2.2.2.4) on opened values, insensitive to case and accents.

**Texts** match as a whole: ``abdomen`` only the value "Abdomen", ``*abdomen*`` every value that holds it.

**Person names** (PS3.5 §6.2.1) are compared group by group (``=``) and component by component (``^``); hyphens count as
spaces, runs of spaces as one, and components at the end that nobody gave are no part of a name. A query group matches a
value group when it matches the whole of it, or when each component it gives matches the component in that place. So
``DOE`` finds DOE and DOE^JOHN but neither DOE-SMITH^JOHN nor JOHN^DOE; ``DOE*`` finds every family name that begins
so; ``^JOHN`` every given name JOHN; ``DOE^J*`` both at once; ``*JOHN*`` the name anywhere.
A query with one group matches in any group of the value, because devices put ideographs into the first; a query with
several wants each in its own place. A component or group that is empty or only ``*`` asks nothing.

``?`` stands for one letter of the folded value, where ß has become ss. Matching takes time linear in the value's length
for each piece of the pattern, whatever the pattern.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from vault.folding import fold

# Two code points that Unicode promises never to assign stand for the wildcards once a pattern has been read.
ANY_RUN = "\ufffe"
ANY_ONE = "\uffff"

_Table = dict[int, str | None]

_DROP: _Table = {ord(ANY_RUN): None, ord(ANY_ONE): None}
_WILDCARDS: _Table = str.maketrans({ANY_RUN: None, ANY_ONE: None, "*": ANY_RUN, "?": ANY_ONE})
_NAME_PUNCTUATION = str.maketrans("-^=", "   ")
_RUNS = re.compile(ANY_RUN + "{2,}")


@dataclass(frozen=True, slots=True)
class GroupPattern:
    """One group of a name query: its components folded, and what recognises the whole and each component."""

    components: tuple[str, ...]
    whole: re.Pattern[str]
    each: tuple[re.Pattern[str] | None, ...]


def text_value(value: str) -> str:
    """A text value as it is compared."""
    return " ".join(fold(value.translate(_DROP)).split())


def name_value(value: str) -> tuple[tuple[str, ...], ...]:
    """The groups of a name, each as its components; trailing empty components fall away."""
    return tuple(_components(group, _DROP) for group in value.split("=", 2))


def text_pattern(pattern: str) -> str:
    """A text pattern folded, its wildcards as ``ANY_RUN`` and ``ANY_ONE``."""
    return _RUNS.sub(ANY_RUN, " ".join(fold(pattern.translate(_WILDCARDS)).split()))


@lru_cache(maxsize=64)
def name_pattern(pattern: str) -> tuple[GroupPattern | None, ...]:
    """The groups of a name query in their places; ``None`` for a group that asks nothing."""
    return tuple(_group_pattern(group) for group in pattern.split("=", 2))


def asks_nothing(pattern: str) -> bool:
    """Whether a read pattern matches every value."""
    return pattern in ("", ANY_RUN)


def text_matches(pattern: str, value: str) -> bool:
    """Whether an opened text value matches a pattern as somebody typed or sent it."""
    return _text_expression(pattern).fullmatch(text_value(value)) is not None


def name_matches(pattern: str, pn: str) -> bool:
    """Whether an opened person name (``"Alphabetic=Ideographic=Phonetic"``) matches a pattern, by the rules above."""
    wanted = name_pattern(pattern)
    groups = name_value(pn)
    given = [(place, group) for place, group in enumerate(wanted) if group is not None]
    if len(given) == 1:
        return any(_group_matches(given[0][1], group) for group in groups)
    return all(place < len(groups) and _group_matches(group, groups[place]) for place, group in given)


def _group_matches(pattern: GroupPattern, components: tuple[str, ...]) -> bool:
    if pattern.whole.fullmatch("^".join(components)):
        return True
    for place, expression in enumerate(pattern.each):
        value = components[place] if place < len(components) else ""
        if expression is not None and not expression.fullmatch(value):
            return False
    return True


def _group_pattern(group: str) -> GroupPattern | None:
    components = tuple(_RUNS.sub(ANY_RUN, component) for component in _components(group, _WILDCARDS))
    if all(asks_nothing(component) for component in components):
        return None
    each = tuple(None if asks_nothing(component) else _expression(component) for component in components)
    return GroupPattern(components, _expression("^".join(components)), each)


def _components(group: str, table: _Table) -> tuple[str, ...]:
    folded = (fold(component.translate(table)).translate(_NAME_PUNCTUATION) for component in group.split("^"))
    components = [" ".join(component.split()) for component in folded]
    while components and not components[-1]:
        components.pop()
    return tuple(components)


@lru_cache(maxsize=64)
def _text_expression(pattern: str) -> re.Pattern[str]:
    return _expression(text_pattern(pattern))


def _expression(pattern: str) -> re.Pattern[str]:
    """A regular expression without second thoughts: each piece between two runs takes the first place it fits."""
    pieces = ["".join("." if letter == ANY_ONE else re.escape(letter) for letter in p) for p in pattern.split(ANY_RUN)]
    if len(pieces) == 1:
        return re.compile(pieces[0], re.DOTALL)
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1])
    return re.compile(f"{pieces[0]}{middle}.*{pieces[-1]}", re.DOTALL)
