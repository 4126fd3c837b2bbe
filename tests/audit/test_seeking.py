"""Every page of the record holds exactly what matches, in order, and no question walks over the whole record."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from random import Random  # noqa: TID251 - the same events in every run, and nobody to guess them
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit import clock, filters, log, names, seeking
from audit.actions import Action, Outcome
from audit.events import Event
from audit.filters import Filters, Place
from audit.models import AuditEvent, AuditListed
from audit.receipts import Who
from audit.seeking import seek
from tests.conftest import Installation

PEOPLE = [("person", "person:1", "weber"), ("token", "token:2", "weber"), ("device", "device:3", "CT_ONE")]
STUDIES = ["1.2.1", "1.2.2", "1.2.3"]
PATIENTS = ["aa" * 16, "bb" * 16, ""]
SITTINGS = [UUID(int=number) for number in range(1, 9)]
ACTIONS = [Action.VIEW, Action.VIEW, Action.DELIVERED, Action.SEARCH, Action.STORE, Action.SIGN_IN, Action.DOWNLOAD]
OUTCOMES = [Outcome.OK, Outcome.OK, Outcome.OK, Outcome.DENIED, Outcome.NOT_FOUND]
START = 1_700_000_000.0
DAYS = 6


@pytest.fixture
def rows(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> list[tuple[AuditEvent, frozenset[str]]]:
    """Many events of every sort over some days, in two logs."""
    chance = Random(7)
    for part in range(DAYS * 10):
        monkeypatch.setattr(clock, "now", lambda part=part: START + part * 8640.0)
        events = [_event(chance) for _ in range(25)]
        if part == DAYS * 6:
            with transaction.atomic():
                log.begin(2, events.pop())
        log.commit(events)
    listed: dict[tuple[int, int], set[str]] = {}
    for one in AuditListed.objects.all():
        listed.setdefault((one.log, one.seq), set()).add(one.study_uid)
    every = AuditEvent.objects.order_by("log", "seq")
    return [(row, frozenset(listed.get((row.log, row.seq), ()))) for row in every]


def _event(chance: Random) -> Event:
    kind, key, name = chance.choice(PEOPLE)
    action = chance.choice(ACTIONS)
    number = chance.randrange(len(SITTINGS))
    about = {"study_uid": STUDIES[number % 3], "patient": PATIENTS[number % 3], "sitting": SITTINGS[number]}
    if action in (Action.SEARCH, Action.SIGN_IN):
        about = {}
    shown = tuple(chance.sample(STUDIES, chance.randrange(3))) if action is Action.SEARCH else ()
    who = Who(kind, key, name, address=f"10.0.0.{number % 2}")
    return Event(action, chance.choice(OUTCOMES), who, listed=shown, **about)  # type: ignore[arg-type]


def naive(every: list[tuple[AuditEvent, frozenset[str]]], asked: Filters) -> list[Place]:
    """What must be found, by looking at every row for itself."""
    since, before = filters.days(asked.first_day, asked.last_day)
    begun: set[tuple[int, UUID]] = set()
    found = []
    for row, listed in every:
        if not since <= row.time_us < before or row.action == Action.DELIVERED:
            continue
        if row.action == Action.VIEW and row.sitting is not None:
            if (row.log, row.sitting) in begun:
                continue
            begun.add((row.log, row.sitting))
        wanted = (
            not asked.actor_keys or row.actor_key in asked.actor_keys,
            not asked.pseudonyms or row.patient in asked.pseudonyms,
            not asked.study_uid
            or row.study_uid == asked.study_uid
            or (not asked.sitting and asked.study_uid in listed),
            not asked.sitting or row.sitting == UUID(asked.sitting),
            not asked.actions or row.action in asked.actions,
            asked.kind != "refusals" or row.outcome != Outcome.OK,
            not asked.outcome or row.outcome == asked.outcome,
            not asked.address or row.actor_address == asked.address,
        )
        if all(wanted) and not asked.impossible:
            found.append(Place(row.log, row.seq))
    return found[::-1]


def pages(asked: Filters, most: int) -> Iterator[list[Place]]:
    older: Place | None = None
    while True:
        found = seek(asked, filters.span(*filters.days(asked.first_day, asked.last_day), older), most)
        yield [Place(row.log, row.seq) for row in found.rows]
        if found.on is None:
            return
        older = found.on


def some_questions() -> list[Filters]:
    """Every eighth of all that can be asked, another eighth for each database."""
    return list(questions())[1 if connection.vendor == "sqlite" else 5 :: 8]


def questions() -> Iterator[Filters]:
    day = date(2023, 11, 14)
    whom = [("", frozenset()), ("weber", frozenset({"person:1", "token:2"})), ("nobody", frozenset())]
    bounds = [(None, None), (day + timedelta(2), None), (day + timedelta(1), day + timedelta(4))]
    whose = ["", PATIENTS[0]]
    for (person, keys), study, patient, sitting, (kind, action), outcome, (first, last) in product(
        whom,
        ["", STUDIES[0], "9.9"],
        whose,
        ["", SITTINGS[0].hex],
        [
            ("", ""),
            ("views", ""),
            ("refusals", ""),
            ("", "study:search"),
            ("views", "study:download"),
            ("people", "study:view"),
        ],
        ["", "ok", "denied"],
        bounds,
    ):
        yield Filters(
            person=person, actor_keys=keys, study_uid=study, patient=patient, sitting=sitting, kind=kind, action=action,
            outcome=outcome, first_day=first, last_day=last, pseudonyms=frozenset({patient} if patient else ()),
        )  # fmt: skip


@pytest.mark.both_databases
def test_all_pages_together_are_exactly_what_matches(
    rows: list[tuple[AuditEvent, frozenset[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeking, "MOST_SEEN", 300)
    some = 0
    for asked in some_questions():
        due = naive(rows, asked)
        got = [place for page in pages(asked, 20) for place in page]
        assert got == due, asked
        some += bool(due)
    assert some > 20


@pytest.mark.both_databases
def test_rows_that_come_meanwhile_move_nothing(rows: list[tuple[AuditEvent, frozenset[str]]]) -> None:
    due = naive(rows, Filters())
    got: list[Place] = []
    for page in pages(Filters(), 20):
        got += page
        log.commit([_event(Random(1))])
    assert got == due


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "older", ["", "1", "1.", ".1", "1.x", "-1.5", "1.5.6", "9" * 40 + ".1", "1." + "9" * 40, "²." + "1"]
)
def test_a_cursor_from_a_stranger_is_a_place_or_nothing(installation: Installation, older: str) -> None:
    assert filters.place(older) is None
    assert seek(Filters(), filters.span(older=filters.place("999999999." + "9" * 17)), 5).rows == ()


@pytest.mark.both_databases
def test_an_address_is_found_wherever_it_stands(rows: list[tuple[AuditEvent, frozenset[str]]]) -> None:
    for asked in (
        Filters(address="10.0.0.1"),
        Filters(address="10.0.0.1", kind="refusals"),
        Filters(address="10.9.9.9"),
    ):
        assert [place for page in pages(asked, 20) for place in page] == naive(rows, asked)


@pytest.mark.both_databases
def test_a_walk_that_finds_little_ends_and_says_how_far_it_came(
    rows: list[tuple[AuditEvent, frozenset[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeking, "MOST_SEEN", 300)
    found = seek(
        Filters(action="log:exported", outcome="ok", person="weber", actor_keys=frozenset({"person:1"})),
        filters.span(),
        20,
    )
    assert (found.rows, found.on is not None) == ((), True)
    assert found.reached_us is not None


@pytest.mark.both_databases
def test_a_name_is_found_as_it_was_first_and_as_it_is_now(installation: Installation) -> None:
    for name in ("Old Name", "Middle", "New Name"):
        log.commit([Event(Action.SIGN_IN, Outcome.OK, Who("person", "person:7", name))])
    log.commit([Event(Action.ECHO, Outcome.OK, Who("device", "device:8", "NEW NAME"))])
    assert names.keys("old name") == {"person:7"}
    assert names.keys("NEW NAME") == {"person:7", "device:8"}
    assert names.keys("new name", "device") == {"device:8"}
    assert names.keys("somebody") == frozenset()


@pytest.mark.both_databases
def test_no_question_reads_the_whole_record_or_sorts_it(rows: list[tuple[AuditEvent, frozenset[str]]]) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    for asked in some_questions():
        with CaptureQueriesContext(connection) as caught:
            seek(asked, filters.span(*filters.days(asked.first_day, asked.last_day)), 20)
        for query in {one["sql"] for one in caught.captured_queries if "audit_" in one["sql"]}:
            assert not (plan := wasteful(query)), (query, plan)


@pytest.mark.both_databases
@pytest.mark.parametrize("asked", [Filters(kind="refusals"), Filters(outcome="failed"), Filters(outcome="denied")])
def test_refusals_are_found_by_the_index_that_holds_nothing_else(
    rows: list[tuple[AuditEvent, frozenset[str]]], asked: Filters
) -> None:
    for stream in seeking.sources(asked):
        assert isinstance(stream, seeking.Stream)
        query = stream.events.filter(log=1, seq__gte=0, seq__lt=999).order_by("-seq")[:64]
        plan = query.explain()
        assert "event_refusal" in plan, plan


def wasteful(query: str) -> list[str]:
    """The steps in which the database would read a table from end to end, or sort what it read."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {query}")
            plan = [row[3] for row in cursor.fetchall()]
            return [step for step in plan if step.startswith("SCAN audit_") or "TEMP B-TREE FOR ORDER" in step]
        # So few rows are sorted faster than looked up; asked is whether the indexes would do for very many.
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET enable_{way} = off")
        cursor.execute(f"EXPLAIN {query}")
        plan = [row[0] for row in cursor.fetchall()]
        cursor.execute("RESET ALL")
        return [step for step in plan if "Seq Scan" in step or "Sort " in step]
