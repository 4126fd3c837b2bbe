"""Search tokens: what lets a database find sealed values without being able to read them.

Each value is cut into terms, each term becomes one keyed number. A *unit* is a whole text or name component, and each
word in it. ``e`` terms hold a unit, ``p`` terms its first 1 to 10 letters, ``t`` terms three letters in a row within a
word. Tokens find candidates; ``name_matches`` and ``text_matches`` on the opened value decide. Every value that matches
a pattern carries all terms of the pattern's plan.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from vault.folding import fold, script
from vault.patterns import (
    ANY_ONE,
    ANY_RUN,
    asks_nothing,
    name_matches,
    name_pattern,
    name_value,
    text_matches,
    text_pattern,
    text_value,
)

__all__ = [
    "Level",
    "Plan",
    "Term",
    "fold",
    "name_matches",
    "name_query",
    "name_terms",
    "text_matches",
    "text_query",
    "text_terms",
    "token",
]

Level = Literal["exact", "prefix", "full"]

_KINDS: dict[Level, str] = {"exact": "e", "prefix": "ep", "full": "ept"}
_PREFIX = 10
_TRIGRAM = 3
_MOST_TERMS = 8
# What separates words, besides the space; written out, so that no Unicode version can move a boundary.
_SEPARATORS = " " + re.escape('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~')
_WORD = re.compile(f"[^{_SEPARATORS}{ANY_RUN}{ANY_ONE}]+")
_WILDCARD = re.compile(f"[{ANY_RUN}{ANY_ONE}]")


class Term(NamedTuple):
    """What a token stands for: kind ``e``, ``p`` or ``t``; group ``a``, ``i`` or ``p`` in names, empty in texts."""

    kind: str
    group: str
    value: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How to find candidates: they carry all of ``terms``.

    ``scan`` says that no usable letters remained, so candidates must be opened one by one. Neither terms nor scan: the
    pattern asks nothing, and every value matches.
    """

    terms: tuple[Term, ...]
    scan: bool = False


def token(column_key: bytes, term: Term) -> int:
    """The first 8 bytes of HMAC-SHA-256(column key, kind || 0 || group || 0 || value), as a signed 64-bit integer."""
    message = "\0".join(term).encode("utf-8", "surrogatepass")
    return int.from_bytes(hmac.digest(column_key, message, "sha256")[:8], "big", signed=True)


def name_terms(pn: str, level: Level) -> frozenset[Term]:
    """Every term of a person name (PS3.5 §6.2.1), to be stored beside its sealed cell.

    A term's group is told by its letters (``vault.folding.script``), not by its place, since devices put ideographs
    into the alphabetic group: so a query in one group finds the name in any.
    """
    pairs = (pair for group in name_value(pn) for component in group for pair in _index(component, _KINDS[level]))
    return frozenset(Term(kind, script(value), value) for kind, value in pairs)


def text_terms(value: str, level: Level) -> frozenset[Term]:
    """Every term of a text value (an id, a description), to be stored beside its sealed cell."""
    return frozenset(Term(kind, "", letters) for kind, letters in _index(text_value(value), _KINDS[level]))


def name_query(pattern: str, level: Level) -> Plan:
    """The plan of a person name pattern; ``vault.patterns`` says what matches."""
    groups = [group for group in name_pattern(pattern) if group is not None]
    if not groups:
        return Plan(())
    pairs = (pair for group in groups for component in group.components for pair in _ask(component))
    return _plan((Term(kind, script(value), value) for kind, value in pairs), level)


def text_query(pattern: str, level: Level) -> Plan:
    """The plan of a text pattern."""
    wanted = text_pattern(pattern)
    if asks_nothing(wanted):
        return Plan(())
    return _plan((Term(kind, "", letters) for kind, letters in _ask(wanted)), level)


def _plan(terms: Iterable[Term], level: Level) -> Plan:
    """The most telling of the terms the index holds at this level; more of them would cost more than they save."""
    usable = {term for term in terms if term.kind in _KINDS[level]}
    telling = sorted(usable, key=lambda term: ("ept".index(term.kind), -len(term.value), term.value))
    return Plan(tuple(telling[:_MOST_TERMS]), scan=not telling)


def _index(unit: str, kinds: str) -> Iterator[tuple[str, str]]:
    if not unit:
        return
    words = _WORD.findall(unit)
    for part in {unit, *words}:
        yield "e", part
        if "p" in kinds:
            yield from (("p", part[:length]) for length in range(1, min(_PREFIX, len(part)) + 1))
    if "t" in kinds:
        for word in words:
            yield from _trigrams(word)


def _ask(pattern: str) -> Iterator[tuple[str, str]]:
    """Terms that every value matching the pattern has; a name component stands between two ``^`` and is asked alone."""
    if not pattern:
        return
    wildcard = _WILDCARD.search(pattern)
    if wildcard is None:
        yield "e", pattern
        return
    if lead := pattern[: wildcard.start()][:_PREFIX]:
        yield "p", lead
    for run in _WORD.finditer(pattern):
        word = run.group()
        begins = run.start() == 0 or not _WILDCARD.match(pattern[run.start() - 1])
        ends = run.end() == len(pattern) or not _WILDCARD.match(pattern[run.end()])
        if begins and ends:
            yield "e", word
        elif begins:
            yield "p", word[:_PREFIX]
        else:
            yield from _trigrams(word)


def _trigrams(word: str) -> Iterator[tuple[str, str]]:
    return (("t", word[at : at + _TRIGRAM]) for at in range(len(word) - _TRIGRAM + 1))
