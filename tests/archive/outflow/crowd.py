"""A hundred thousand patients in several scripts, many of whom share a family name, in an index of SQLite.

Rows and search tokens are those that the index itself would write. Keys and cells are made by the real functions too,
but when a search is about to open them: sealing them all takes minutes, and no search may open more than a few.
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import cycle, product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from accounts.models import Access, Group
from archive import keys, tokens
from archive.columns import Column, cell_name
from archive.models import Patient, PatientToken, Study
from archive.openers import CellOpener
from archive.query import scan
from archive.query.listed import ListedStudy

NAME, BIRTH = cell_name("patient", "name_cell"), cell_name("patient", "birth_date_cell")

# The common family names with how many bear each, of a hundred; the others are rare.
LATIN = {"MARTIN": 12, "NGUYEN": 8, "GARCIA": 5, "MULLER": 3, "MARTINEZ": 3}
CYRILLIC = {"ИВАНОВ": 4, "ИВАНОВА": 4}
CHINESE = {"WANG=王": 7, "LI=李": 6}
LATIN_GIVEN = ("JEAN", "MARIE", "ANNA", "JOSE", "LAN", "PETER", "JUAN", "MAI", "JANINE", "OMAR")
CYRILLIC_GIVEN = ("АННА", "ПЕТР", "ОЛЬГА", "ИВАН")
CHINESE_GIVEN = (("WEI", "伟"), ("FANG", "芳"), ("MIN", "敏"))
FIRST = 0xC0FFEE << 96
SYLLABLES = ("ba", "ko", "ti", "ru", "fe", "do", "ni", "wa", "ce", "li")


@dataclass(frozen=True)
class Person:
    """One patient, who has one study."""

    name: str
    birth_date: str


def crowd(count: int) -> Iterator[Person]:
    """So many people, of whom each common name has its share, evenly spread."""
    rare = cycle("".join(SYLLABLES[part] for part in parts).upper() for parts in product(range(10), repeat=3))
    for number in range(count):
        yield Person(_name(number, rare), f"19{number % 97:02}{1 + number % 12:02}{1 + number % 28:02}")


def _name(number: int, rare: Iterator[str]) -> str:
    place, turn = number % 100, number // 100
    for family, share in {**LATIN, **CYRILLIC, **CHINESE}.items():
        if place < share:
            return _borne(family, turn + place)
        place -= share
    return f"{next(rare)}^{LATIN_GIVEN[number % len(LATIN_GIVEN)]}"


def _borne(family: str, turn: int) -> str:
    """A common family name with one of the given names that go with it."""
    if family in CHINESE:
        latin, _, ideographic = family.partition("=")
        spelt, written = CHINESE_GIVEN[turn % len(CHINESE_GIVEN)]
        return f"{latin}^{spelt}={ideographic}^{written}"
    given = CYRILLIC_GIVEN if family in CYRILLIC else LATIN_GIVEN
    return f"{family}^{given[turn % len(given)]}"


def fill(path: Path, people: list[Person], group: Group) -> dict[UUID, Person]:
    """Write rows and tokens for everybody, the first with the newest study; return who is who by patient."""
    key = keys.ensure(keys.STUDY, ["1.2.3"])["1.2.3"].id  # stands in every row: the cells name those that seal them
    known = {UUID(int=FIRST + number): one for number, one in enumerate(people)}
    newest, now = date(2026, 3, 1), timezone.now()
    uids = {row: f"2.25.{row.int}" for row in known}
    dates = {row: f"{newest - timedelta(days=place // 30):%Y%m%d}" for place, row in enumerate(known)}
    patient = _insert(Patient(key_id=key), "id", "pseudonym")
    study = Study(key_id=key, named=True, instance_count=1, first_received_at=now, last_received_at=now)
    each_study = _insert(study, "id", "patient_id", "uid", "date")
    access = _insert(Access(audience=group.id, rule="sender"), "study_uid")
    token = _insert(PatientToken(), "column", "token", "patient_id")
    carried = _tokens(known)
    connection.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = OFF")
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("PRAGMA cache_size = -500000")
        raw.execute("BEGIN EXCLUSIVE")
        patient(raw, ((row.hex, row.hex) for row in known))
        each_study(raw, ((row.hex, row.hex, uids[row], dates[row]) for row in known))
        access(raw, ((uid,) for uid in uids.values()))
        token(raw, ((*one, row.hex) for one in sorted(carried) for row in carried[one]))
        raw.execute("COMMIT")
        raw.execute("PRAGMA journal_mode = WAL")
    return known


def _insert(like: Model, *columns: str) -> Callable[[sqlite3.Connection, Iterable[tuple[Any, ...]]], object]:
    """What inserts rows that differ in these columns and are in all others as `like`."""
    fields = [one for one in like._meta.local_concrete_fields if one.attname not in columns and one.name != "id"]
    same = tuple(one.get_db_prep_save(getattr(like, one.attname), connection) for one in fields)
    names = ", ".join(f'"{name}"' for name in (*columns, *(one.attname for one in fields)))
    places = ", ".join("?" * (len(columns) + len(same)))
    statement = f"INSERT INTO {like._meta.db_table} ({names}) VALUES ({places})"
    return lambda raw, rows: raw.executemany(statement, ((*row, *same) for row in rows))


def _tokens(known: dict[UUID, Person]) -> dict[tuple[int, int], list[UUID]]:
    """Every token with its column, and who carries it."""
    carried: dict[tuple[int, int], list[UUID]] = defaultdict(list)
    for row, one in known.items():
        for number in {number for component in re.split(r"[\^=]", one.name) for number in _of_name(component)}:
            carried[Column.PATIENT_NAME, number].append(row)
        for number in _of_date(one.birth_date):
            carried[Column.BIRTH_DATE, number].append(row)
    return carried


@cache
def _of_name(component: str) -> list[int]:
    """The tokens of a name are those of its components."""
    return tokens.of(Column.PATIENT_NAME, component)


@cache
def _of_date(birth_date: str) -> list[int]:
    return tokens.of(Column.BIRTH_DATE, birth_date)


@dataclass
class Watch:
    """Seals the cells of whoever is about to be opened, and counts whose cells are opened."""

    known: dict[UUID, Person]
    opened: set[UUID] = field(default_factory=set)
    _sealed: dict[UUID, tuple[bytes, bytes]] = field(default_factory=dict)

    def seal(self, rows: list[ListedStudy]) -> None:
        """Let these rows, of which none is opened yet, have cells that open."""
        patients = [row.patient for row in rows]
        missing = {patient.pseudonym: patient.id for patient in patients if patient.id not in self._sealed}
        for pseudonym, key in keys.ensure(keys.PATIENT, missing).items():
            row, who = missing[pseudonym], self.known[missing[pseudonym]]
            self._sealed[row] = (
                keys.seal_cell(key.id, NAME, row, who.name),
                keys.seal_cell(key.id, BIRTH, row, who.birth_date),
            )
        for number, one in enumerate(rows):
            name, birth = self._sealed[one.patient.id]
            rows[number] = one._replace(patient=one.patient._replace(name_cell=name, birth_date_cell=birth))


def watch(known: dict[UUID, Person], monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Stand between the search and its cells until the test ends."""
    watching, cells, text = Watch(known), scan._cells, CellOpener.text

    def sealed(receipt: Any, level: Any, rows: list[Any]) -> Any:
        watching.seal(rows)
        return cells(receipt, level, rows)

    def counted(self: CellOpener, table_column: str, row: UUID, *rest: Any, **more: Any) -> str:
        if row in known:
            watching.opened.add(row)
        return text(self, table_column, row, *rest, **more)

    monkeypatch.setattr(scan, "_cells", sealed)
    monkeypatch.setattr(CellOpener, "text", counted)
    return watching
