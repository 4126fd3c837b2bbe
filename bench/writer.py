"""Run as a program on an installation: writes as many events as each line of its input says, then answers `done`.

`ours 500` writes them through the record, each durable before the next; `plain 500` inserts rows of the same size into
a table without keys, guards or chain, each durable before the next on the same connection.
"""

import os
import sys
from typing import Any

PLAIN = "bench_plain"
DETAILS = {"reason": "x" * 80, "study": "1.2.826.0.1.3680043.10.1.4711"}


def main() -> None:
    import django

    django.setup()
    acts = {"ours": ours, "plain": plain}
    ours(1)
    print("ready", flush=True)
    for line in sys.stdin:
        name, count = line.split()
        acts[name](int(count))
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
    """Insert copies of one stored row one by one."""
    from django.db import connection

    from audit import tables

    values = tables.page(1, 0, 1000)[-1]
    width = ", ".join(["%s"] * len(values))
    for _ in range(count):
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {PLAIN} VALUES ({width})", values)


if __name__ == "__main__":
    main()
