"""A hundred thousand patients: no search opens more than five hundred, and whoever was left out is spoken of."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

import pytest

from accounts.actors import Actor
from accounts.models import Group
from archive import query, tokens
from archive.columns import Column
from archive.query import Criteria, Found, Page, Span, StudyRow
from tests.archive.outflow import crowd
from tests.archive.outflow.crowd import Person, Watch
from tests.conftest import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENTS, MOST = 100_000, 500

# Their studies are older than those of everybody else: whoever opens only the newest does not find them.
SOUGHT = {
    "S1": Person("MARTIN^ZÉBULON", "19310207"),
    "S2": Person("NGUYEN^Uyển", "19440506"),
    "S3": Person("Wang^Xuelian=王^雪莲", "19870101"),
    "S4": Person("ИВАНОВА^Ярослава", "19550315"),
    "S5": Person("Martin-García^José María", "19700909"),
    "S6": Person("GARCIA^JOSE", "18991231"),
    "S7": Person("Żyła^Jan", "19800808"),
    "S8": Person("Müller^Zébulon", "19611111"),
}

# What people type, the birth date if they know it, and whom they mean: written by hand.
EXPECTED = {
    ("martin^zebulon", ""): ["S1"],
    ("mart*^zeb*", ""): ["S1"],
    ("m*n^zébulon", ""): ["S1"],
    ("?artin^zebulon", ""): ["S1"],
    ("*^*ebul*", ""): ["S1", "S8"],
    ("martin", "19310207"): ["S1"],
    ("m*", "19310207"): ["S1"],
    ("NGUYEN^uyen", ""): ["S2"],
    ("nguyen^uy*", ""): ["S2"],
    ("王^雪莲", ""): ["S3"],
    ("王^雪*", ""): ["S3"],
    ("=王^雪莲", ""): ["S3"],
    ("wang^xue*", ""): ["S3"],
    ("иванова^ярослав*", ""): ["S4"],
    ("*^ярослава", ""): ["S4"],
    ("martin garcia^*", ""): ["S5"],
    ("martin-g*", ""): ["S5"],
    ("garcia^jose", "18991231"): ["S6"],
    ("*a*", "18991231"): ["S6"],
    ("żyła", ""): ["S7"],
    ("zy?a^j*", ""): ["S7"],
    ("nobody^martin", ""): [],
    ("martin^ivan", ""): [],
}

# Patterns that thousands might match, or that the index knows nothing about.
NASTY = (
    *("martin", "martin^j*", "martin^*b?l*", "m*", "m*n^j*n", "mu*er^a*a", "?", "?????", "*a*", "*a*^*e*", "*q*"),
    *("*^*", "^??", "^j*", "^jean", "王", "王*", "*伟", "王^?", "иванов*", "ивано?^*н*", "li^wei", "nguyen^?yen"),
    *("ba*", "bakoti"),
)
PAGES = (Page(limit=100), Page(limit=1000), Page(limit=100, offset=5000))


@dataclass(frozen=True)
class Crowd:
    people: dict[UUID, Person]
    reader: Actor
    watch: Watch

    def ask(self, criteria: Criteria, page: Page) -> tuple[list[Person], Found[StudyRow], int]:
        """Whom a search finds, its answer, and how many patients it opened."""
        self.watch.opened.clear()
        found = query.studies(self.reader, criteria, page)
        return [Person(row.patient_name, row.birth_date) for row in found.rows], found, len(self.watch.opened)


@pytest.fixture
def everybody(
    installation: Installation,
    radiologist: Any,
    actor_of: Callable[[Any], Actor],
    monkeypatch: pytest.MonkeyPatch,
) -> Crowd:
    people = [*crowd.crowd(PATIENTS - len(SOUGHT)), *SOUGHT.values()]
    group = Group.objects.get(name="Radiology")
    known = crowd.fill(installation.data / "index.sqlite3", people, group)
    return Crowd(known, actor_of(radiologist), crowd.watch(known, monkeypatch))


def matches(pattern: str, name: str) -> bool:
    """What a pattern means, for names and patterns without accents: one group of the name, whole or by component."""
    for group in name.lower().split("="):
        components, wanted = group.split("^"), pattern.split("^")
        pairs = zip([*components, *[""] * len(wanted)], wanted, strict=False)
        if fnmatchcase(group, pattern) or all(part in ("", "*") or fnmatchcase(had, part) for had, part in pairs):
            return True
    return False


def test_no_search_opens_more_than_five_hundred_and_what_is_left_out_is_said(everybody: Crowd) -> None:
    assert len(everybody.people) == PATIENTS
    found_within_the_bounds(everybody)
    never_more_and_never_silent(everybody)
    going_on_finds_the_oldest(everybody)


def found_within_the_bounds(everybody: Crowd) -> None:
    who = {one: label for label, one in SOUGHT.items()}
    for (pattern, born), expected in EXPECTED.items():
        asked = Criteria(patient_name=pattern, birth_date=Span(born, born))
        people, found, opened = everybody.ask(asked, Page(limit=100))
        assert (sorted(who.get(one, one.name) for one in people), found.scanned_out) == (expected, False), pattern
        assert opened <= MOST, pattern


def never_more_and_never_silent(everybody: Crowd) -> None:
    most = told = 0
    names = Counter(one.name for one in everybody.people.values() if one not in SOUGHT.values())
    for pattern in NASTY:
        meant = {name: count for name, count in names.items() if matches(pattern, name)}
        for page in PAGES:
            people, found, opened = everybody.ask(Criteria(patient_name=pattern), page)
            shown = [one.name for one in people if one not in SOUGHT.values()]
            assert opened <= MOST, (pattern, page)
            assert set(shown) <= meant.keys(), pattern
            left = sum(meant.values()) > page.offset + len(shown)
            assert not left or found.more or found.scanned_out, (pattern, page)
            told, most = told + found.scanned_out, max(most, opened)
    assert told > len(NASTY), "hardly anything was left out: these patterns are not nasty"
    assert most > MOST // 2, "hardly anything was opened: nothing was counted"


def going_on_finds_the_oldest(everybody: Crowd) -> None:
    place, seen, searches = None, list[Person](), 0
    while searches == 0 or place is not None:
        people, found, opened = everybody.ask(Criteria(patient_name="muller^*b?l*"), Page(limit=100, after=place))
        assert opened <= MOST
        seen += people
        place, searches = found.next, searches + 1
    assert seen == [SOUGHT["S8"]]
    assert searches > PATIENTS * crowd.LATIN["MULLER"] / 100 / MOST


def test_the_tokens_of_a_name_are_those_of_its_components(installation: Installation) -> None:
    for one in SOUGHT.values():
        components = one.name.replace("=", "^").split("^")
        assert sorted({number for part in components for number in crowd._of_name(part)}) == tokens.of(
            Column.PATIENT_NAME, one.name
        )
