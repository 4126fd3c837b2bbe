"""Run as a program on an installation: writes as many events as each line of its input says, then answers `done`.

`ours 4 500` writes 500 through the record by four threads, each of which waits until its event is durable before it
begins the next; `plain 4 500` inserts rows of the same size into a table without keys, guards or chain, `indexed 4 500`
into one with the record's keys and indexes, each durable before the next on the same connection.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count as counting
from typing import Any
from uuid import uuid4

PLAIN, INDEXED = "bench_plain", "bench_indexed"
_numbers = counting(os.getpid() * 1_000_000)
DETAILS = {"reason": "x" * 80, "study": "1.2.826.0.1.3680043.10.1.4711"}


def main() -> None:
    import django

    django.setup()
    pools: dict[int, ThreadPoolExecutor] = {}
    acts = {"ours": ours, "plain": plain, "indexed": indexed}
    ours(1)
    print("ready", flush=True)
    for line in sys.stdin:
        name, threads, count = line.split()
        pool = pools.setdefault(int(threads), ThreadPoolExecutor(int(threads)))
        list(pool.map(acts[name], [int(count) // int(threads)] * int(threads)))
        print("done", flush=True)


def _event() -> Any:
    from audit.actions import Action, Outcome
    from audit.events import Event
    from audit.receipts import Who

    who = Who("person", f"person:{os.getpid()}", "weber", "clinician", "192.0.2.17", "", "0123456789abcdef", "r" * 36)
    return Event(Action.VIEW, Outcome.OK, who, study_uid="1.2.826.0.1.3680043.10.1", patient="ab" * 16, details=DETAILS)


def ours(count: int) -> None:
    """Commit events one by one."""
    from audit import log

    for _ in range(count):
        log.commit([_event()])


def plain(count: int) -> None:
    """Insert copies of one stored row one by one, into a table without keys or indexes."""
    _insert(PLAIN, count)


def indexed(count: int) -> None:
    """The same into a table with the keys and indexes of the record, each row with a number and an id of its own."""
    _insert(INDEXED, count)


def _insert(table: str, count: int) -> None:
    from django.db import connection

    from audit import tables

    values = list(tables.page(1, 0, 1000)[-1])
    width = ", ".join(["%s"] * len(values))
    names = ", ".join(f'"{name}"' for name in tables.STORED)
    for _ in range(count):
        made = uuid4()
        values[tables.STORED.index("seq")] = next(_numbers)
        values[tables.STORED.index("id")] = made.hex if connection.vendor == "sqlite" else made
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({width})", values)


if __name__ == "__main__":
    main()
