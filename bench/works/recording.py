"""Events a second by four processes through the record, beside plain INSERTs of the same size and durability."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter

from bench import cluster
from bench.goals import Goal
from bench.programs import hear, tell
from bench.runner import Work
from bench.writer import INDEXED, PLAIN

ROOT = Path(__file__).resolve().parents[2]
WRITERS = 4
THREADS = (1, 4)
"""Of each writer: one that waits for each event, and as many as a web process has for whole studies."""
EVENTS = 500
"""By each writer in one run."""

CREATE = f"""
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE {PLAIN} AS SELECT * FROM audit_event WHERE log < 0")
    if connection.vendor == "postgresql":
        cursor.execute("CREATE TABLE {INDEXED} (LIKE audit_event_1 INCLUDING INDEXES)")
    else:
        cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'audit_event' AND type IN ('table', 'index')")
        for (made,) in cursor.fetchall():
            if made:
                cursor.execute(made.replace('"audit_event"', '"{INDEXED}"').replace('"event_', '"{INDEXED}_'))
"""


@dataclass
class Race:
    """Four writers on one installation, started once, so that no run counts their starting."""

    database: str
    writers: "list[subprocess.Popen[str]] | None" = None

    def rate(self, side: str, threads: int) -> float:
        """Events a second of one run of a side, by so many threads of each process."""
        writers = self._started()
        began = perf_counter()
        for writer in writers:
            tell(writer, f"{side} {threads} {EVENTS}")
        for writer in writers:
            hear(writer, "done")
        return WRITERS * EVENTS / (perf_counter() - began)

    def _started(self) -> "list[subprocess.Popen[str]]":
        if self.writers is None:
            environment = _end.enter_context(installation(self.database))
            self.writers = [_end.enter_context(_writer(environment)) for _ in range(WRITERS)]
        return self.writers


_end = ExitStack()


def finish() -> None:
    """End the writers, and remove what they wrote."""
    _end.close()


@contextmanager
def installation(database: str) -> Iterator[dict[str, str]]:
    """The environment of a fresh installation on a disk of this machine; on Postgres with a server of its own."""
    root = Path(tempfile.mkdtemp(prefix="custos-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        url = f"sqlite:{root / 'data' / 'index.sqlite3'}"
        if database == "PostgreSQL":
            url = cluster.create_database(stack.enter_context(cluster.running()), "bench")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PACS_")},
            "PACS_DATA_DIR": str(root / "data"),
            "PACS_KEK_URL": f"file:{root / 'root.key'}",
            "PACS_ANCHORS": f"file:{root / 'anchors'}",
            "PACS_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "pacs.settings",
        }
        for program in (["manage.py", "setup", "--no-link"], ["-c", CREATE]):
            subprocess.run([sys.executable, *program], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield environment


@contextmanager
def _writer(environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    program = [sys.executable, "-m", "bench.writer"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as writer:
        hear(writer, "ready")
        yield writer


def _works() -> list[tuple[Work, Goal]]:
    found = []
    for database in ("SQLite", "PostgreSQL"):
        race = Race(database)
        for threads, (side, peer) in product(THREADS, (("plain", "a bare table"), ("indexed", "the same indexes"))):
            name = f"record: events by {WRITERS} processes of {threads} threads, {database}, beside INSERTs into {peer}"
            work = Work(name, "events/s", partial(race.rate, "ours", threads), partial(race.rate, side, threads))
            found.append((work, Goal(name, 0.5, 0.8)))
    return found


EXTRA = _works()
"""The record against a table without keys, guards or chain, and against one with the same keys and indexes; each row of
all is durable before the next is begun."""
