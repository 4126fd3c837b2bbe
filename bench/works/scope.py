"""``python -m bench.works.scope [--postgres] [--studies N]``: whose a study is, asked of very many studies.

A million, or 50,000 with QUICK=1. The archive is made for this in a directory and a database of its own, which go when
it ends. People have 1, 10 and 500 groups, and one has 50,000 grants. What is measured is the one statement by which
pages, QIDO-RS and previews ask for scope; `must` is the p95 that is good enough.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random  # noqa: TID251 - the same questions in every run
from typing import Any

from bench import archives
from bench.figures import percentile

STUDIES = 50_000 if os.environ.get("QUICK") else 1_000_000
MUST = 0.050  # seconds
TIMES = 200
PAGE = 51

Question = Callable[[], object]


def questions(actor: Any, studies: int, random: Random) -> Mapping[str, Question]:
    """What is asked of the scope of one person, each by the name it has in the table."""
    from accounts import scope
    from archive.models import Study
    from archive.query import clear
    from archive.query.criteria import Criteria, Span
    from bench.works.planted_studies import day, uid

    def listed(criteria: Criteria, place: str | None = None) -> object:
        rows = scope.limit(Study.objects.filter(clear.of_study(criteria, "")), actor, "uid")
        rows = rows.filter(clear.after(place)).order_by(*clear.NEWEST)
        return list(rows.values_list("uid", flat=True)[:PAGE])

    def some() -> int:
        return random.randrange(studies)

    def one_day() -> Criteria:
        date = day(some(), studies)
        return Criteria(study_date=Span(date, date))

    return {
        "covers": lambda: scope.covers(actor, uid(some())),
        "covers what is not there": lambda: scope.covers(actor, "9.9.9"),
        "the newest": lambda: listed(Criteria()),
        "a later page": lambda: listed(Criteria(), clear.place(day(some(), studies), uid(0))),
        "a day": lambda: listed(one_day()),
        "one study": lambda: listed(Criteria(study_uids=(uid(some()),))),
    }


def measure(times: int, studies: int) -> Iterator[tuple[str, str, float, float]]:
    """Every question for each person, with the p95 and the longest time (s)."""
    from accounts.models import Person
    from tests import people

    for name in ("one", "ten", "many", "granted"):
        actor, random = people.actor(Person.objects.get(username=name)), Random(20261125)
        for asked, question in questions(actor, studies, random).items():
            question()
            taken = sorted(_time(question) for _ in range(times))
            yield name, asked, percentile(taken, 0.95), taken[-1]


def _time(question: Question) -> float:
    began = time.perf_counter()
    question()
    return time.perf_counter() - began


def plans(studies: int) -> Iterator[str]:
    """Each statement that reads one of the large tables from end to end, by who asks what; nothing is good."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from accounts.models import Person
    from tests import people

    for name in ("one", "ten", "many", "granted"):
        actor = people.actor(Person.objects.get(username=name))
        for asked, question in questions(actor, studies, Random(1)).items():
            with CaptureQueriesContext(
                connection,
            ) as captured:
                question()
            for query in captured:
                if scans := full_scans(query["sql"]):
                    yield f"{name}, {asked}: {scans}"


def full_scans(sql: str) -> str:
    """The lines of the plan that read a whole table of studies or of access."""
    from django.db import connection

    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}")
        lines = [str(row[-1]) for row in cursor.fetchall()]
    bad = (
        "Seq Scan on archive_study",
        "Seq Scan on accounts_access",
        "SCAN archive_study",
        "SCAN accounts_access",
        "SCAN U0",
    )
    return "; ".join(line.strip() for line in lines if any(one in line for one in bad) and " USING " not in line)


@contextmanager
def archive(*, postgres: bool, studies: int) -> Iterator[Path]:
    """An archive with an index of so many studies, in a directory and a database of its own."""
    with archives.empty("scope", postgres=postgres) as root:
        _settle(root, studies)
        yield root


def _settle(root: Path, studies: int) -> None:
    import django

    (root / "data").mkdir(mode=0o700)
    (root / "anchors").mkdir()
    django.setup()
    from django.core.management import call_command

    from bench.works import planted_studies
    from keystore import keys, roots

    roots.create_file(root / "root.key")
    call_command("migrate", verbosity=0)
    keys.initialise()
    planted_studies.plant(studies)


def main(arguments: list[str]) -> int:
    """Plant, measure, print the table; 1 where an answer took too long or a whole table was read."""
    parser = argparse.ArgumentParser(prog="python -m bench.works.scope", description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--times", type=int, default=TIMES)
    given = parser.parse_args(arguments)
    began, missed = time.perf_counter(), 0
    with archive(postgres=given.postgres, studies=given.studies):
        kind = "PostgreSQL" if given.postgres else "SQLite"
        print(f"{kind}, {given.studies:,} studies, planted in {time.perf_counter() - began:.0f} s\n")
        print("| person | asked | p95 | max | met |\n|---|---|---|---|---|")
        for name, asked, p95, longest in measure(given.times, given.studies):
            met = "yes" if p95 < MUST else "**no**"
            print(f"| {name} | {asked} | {p95 * 1000:.1f} ms | {longest * 1000:.1f} ms | {met} |", flush=True)
            missed += p95 >= MUST
        scans = list(plans(given.studies))
        print("\nWhole tables read: " + ("; ".join(scans) or "none"))
    return int(bool(missed or scans))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
