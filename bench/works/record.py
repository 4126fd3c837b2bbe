"""``python -m bench.works.record [--postgres] [--rows N]``: every page of the record over very many rows.

Ten million, or 200,000 with QUICK=1.
The archive is made for this in a directory and a database of its own, which go when it ends. Each page is asked for
through the whole program, with its own line in the record; `must` is the slowest answer that is good enough.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from bench import archives

ROWS = 200_000 if os.environ.get("QUICK") else 10_000_000
MUST = 0.5  # seconds
TIMES = 15
_STUDY = "1.2.826.0.1.3680043.10.99."


def pages(rows: int) -> Mapping[str, str]:
    """What is asked for, each by the name it has in the table."""
    from bench.works.planting import BUSY

    block = rows // 16
    sitting, busy = UUID(int=block + 1), UUID(int=block // BUSY * BUSY + 1)
    asked = {
        "newest": "",
        "the middle": f"older=1.{rows // 2}",
        "a person": "person=reader7",
        "nobody": "person=nobody",
        "a study": f"study={_STUDY}4321",
        "the busiest study": f"study={_STUDY}0",
        "an unknown study": "study=9.9.9",
        "a patient": f"patient={4321:032x}",
        "a device": "device=MODALITY3",
        "an address": "address=10.0.3.77",
        "an unknown address": "address=192.0.2.1",
        "views": "kind=views",
        "arrivals": "kind=arrivals",
        "refusals": "kind=refusals",
        "failures": "outcome=failed",
        "one seldom act": "action=study:destroyed",
        "an act that never was": "action=key:rotated",
        "a day": "from=2025-03-03&to=2025-03-03",
        "a day's refusals": "outcome=denied&from=2025-03-03&to=2025-03-03",
        "a sitting's rows": f"sitting={sitting.hex}",
        "a person's destructions": "person=reader7&action=study:destroyed",
        "a person at an unknown address": "person=reader7&address=192.0.2.1",
        "a device's refusals": "device=MODALITY3&outcome=denied",
        "the busiest study, a person, failed": f"study={_STUDY}0&person=reader9&outcome=failed",
        "refusals at an unknown address": "kind=refusals&address=192.0.2.1",
        "views at an unknown address": "kind=views&address=192.0.2.1",
        "everything at once": f"person=reader7&study={_STUDY}0&kind=views&outcome=ok&from=2024-01-01&to=2026-01-01",
    }
    found = {f"timeline: {name}": f"/record/?{query}" for name, query in asked.items()}
    return found | {
        "one event": f"/record/events/1/{rows // 2}/",
        "a sitting": f"/record/sittings/{sitting}/",
        "a sitting of the busiest study": f"/record/sittings/{busy}/",
        "report on a patient": f"/record/patients/{4321:032x}/",
        "report on the busiest patient": f"/record/patients/{0:032x}/",
        "report on nobody": f"/record/patients/{'f' * 32}/",
        "the inbox of alerts": "/record/alerts/",
    }


def measure(times: int = TIMES, rows: int = ROWS) -> Iterator[tuple[str, float, float]]:
    """Every page with the median and the longest time (s), each asked for once before it counts."""
    from accounts.models import Person
    from tests.accounts.browsing import Browser

    officer = Browser().sign_in(Person.objects.get(username="privacy"))
    reader = Browser().sign_in(Person.objects.get(username="radiologist"))
    asked = [(name, officer, path) for name, path in pages(rows).items()]
    asked.append(("what one viewed oneself", reader, "/record/mine/"))
    for name, browser, path in asked:
        taken = [_time(browser, path) for _ in range(times + 1)][1:]
        yield name, median(taken), max(taken)


def _time(browser: Any, path: str) -> float:
    began = time.perf_counter()
    answer = browser.open(path)
    taken = time.perf_counter() - began
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    return taken


@contextmanager
def archive(*, postgres: bool, rows: int = ROWS) -> Iterator[Path]:
    """An archive with a record of so many rows, in a directory and a database of its own."""
    with archives.empty("record", postgres=postgres) as root:
        _settle(root, rows)
        yield root


def _settle(root: Path, rows: int) -> None:
    import django

    (root / "data").mkdir(mode=0o700)
    (root / "anchors").mkdir()
    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from accounts.models import Device, Person
    from audit import clock
    from bench.works import planting
    from keystore import keys, roots
    from tests import people
    from tests.conftest import PASSWORD

    setup_test_environment()
    roots.create_file(root / "root.key")
    call_command("migrate", verbosity=0)
    began = time.time() - planting.YEARS_US / 1e6 - 86_400
    present, clock.now = clock.now, lambda: began  # the people were there before the record that is planted
    keys.initialise()
    people.settle(PASSWORD)
    clock.now = present
    person = f"person:{Person.objects.get(username='radiologist').pk}"
    planting.plant(rows, round(began * 1e6) + 1, person, f"device:{Device.objects.get(ae_title='CT_ONE').pk}")


def main(arguments: list[str]) -> int:
    """Plant, measure, print the table; 1 where a page took too long."""
    parser = argparse.ArgumentParser(prog="python -m bench.works.record", description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rows", type=int, default=ROWS)
    given = parser.parse_args(arguments)
    began, missed = time.perf_counter(), 0
    with archive(postgres=given.postgres, rows=given.rows):
        kind = "PostgreSQL" if given.postgres else "SQLite"
        print(f"{kind}, {given.rows:,} rows, planted in {time.perf_counter() - began:.0f} s\n")
        print("| page | median | max | met |\n|---|---|---|---|")
        for name, middle, longest in measure(rows=given.rows):
            met = "yes" if longest < MUST else "**no**"
            print(f"| {name} | {middle:.3f} s | {longest:.3f} s | {met} |", flush=True)
            missed += longest >= MUST
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
