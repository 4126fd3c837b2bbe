"""The dictionary of physicians and descriptions: one sealed row per spelling, which carries its search tokens once."""

import hmac
from collections.abc import Iterable
from uuid import UUID, uuid4

from archive import keys, tokens
from archive.columns import Column, cell_name
from archive.models import Phrase, PhraseToken
from audit import plain_models

VALUE = cell_name("phrase", "value_cell")
Spelling = tuple[Column, str]


def ensure(spellings: Iterable[Spelling]) -> dict[Spelling, UUID]:
    """The row id of each spelling, made where there was none, in the caller's transaction. Empty ones are left out."""
    wanted = {(column, _digest(column, value)): (column, value) for column, value in spellings if value}
    found = _rows(wanted)
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        made = [_new(*wanted[name], name[1]) for name in missing]
        plain_models.insert(Phrase, made, ignore=True)
        found |= _rows(missing)
        _index([row for row in made if found.get((Column(row.column), row.digest)) == row.id], wanted)
    return {wanted[name]: row for name, row in found.items() if name in wanted}


def find(spellings: Iterable[Spelling]) -> set[UUID]:
    """The row ids of those spellings that somebody has said already; none is made."""
    wanted = {(column, _digest(column, value)) for column, value in spellings if value}
    return {row for name, row in _rows(wanted).items() if name in wanted}


def _digest(column: Column, value: str) -> str:
    return hmac.digest(tokens.key(column), b"phrase\0" + value.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()


def _rows(names: Iterable[tuple[Column, str]]) -> dict[tuple[Column, str], UUID]:
    digests = {digest for _, digest in names}
    if not digests:
        return {}
    return {(Column(row.column), row.digest): row.id for row in plain_models.select(Phrase, "digest", digests)}


def _new(column: Column, value: str, digest: str) -> Phrase:
    row = uuid4()
    return Phrase(id=row, column=column, digest=digest, value_cell=keys.seal_field(VALUE, row, value))


def _index(made: list[Phrase], wanted: dict[tuple[Column, str], Spelling]) -> None:
    rows = [
        tokens.OfPhrase(phrase.column, number, phrase.id)
        for phrase in made
        for number in tokens.of(*wanted[Column(phrase.column), phrase.digest])
    ]
    plain_models.insert(PhraseToken, rows, ignore=True)
