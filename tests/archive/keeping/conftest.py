"""An archive with studies in it and a second root beside the first; the command in a process that can be killed."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts import people
from archive import ingest
from archive.models import Instance
from keystore import roots
from tests import builders
from tests.archive.test_ingest import opened
from tests.conftest import PASSWORD, Installation, forget_everything

Actors = Callable[[Any], Any]

# A program that gives a command and is killed when it calls a function for the nth time, before or after that runs.
KILLED = """
import importlib, os, signal, sys
import django
django.setup()
place, when, nth, *argv = sys.argv[1:]
module, _, name = place.rpartition(".")
module = importlib.import_module(module)
real, count = getattr(module, name), 0
def patched(*args, **kwargs):
    global count
    count += 1
    if count == int(nth) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = real(*args, **kwargs)
    if count == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(module, name, patched)
from django.core.management import call_command
call_command(*argv)
"""


@dataclass(frozen=True)
class Held:
    """What was stored, by SOP Instance UID, and who may read it."""

    place: Installation
    sent: dict[str, bytes]
    reader: Any
    actor_of: Actors

    @property
    def new_root(self) -> str:
        return f"file:{self.place.root / 'new.key'}"

    def opens(self) -> bool:
        """Whether a process without any memory reads everything back byte for byte."""
        forget_everything()
        actor = self.actor_of(self.reader)
        return {one.uid: opened(actor, one) for one in Instance.objects.all()} == self.sent

    def use(self, url: str) -> None:
        """Go on as a process that was started with another PACS_KEK_URL."""
        forget_everything()
        settings.PACS_KEK_URL = url

    def command(self, *argv: str, url: str = "", given: str = "") -> "subprocess.CompletedProcess[str]":
        """The command in a process of its own."""
        program = [sys.executable, "manage.py", "keys", *argv]
        return subprocess.run(
            program, env=self._environment(url), input=given, capture_output=True, text=True, check=False
        )

    def killed(self, place: str, when: str, nth: int, *argv: str, stdin: Any = None) -> None:
        """The same, killed with SIGKILL at the nth call of a function."""
        program = [sys.executable, "-c", KILLED, place, when, str(nth), "keys", *argv]
        ended = subprocess.run(
            program, env=self._environment(""), stdin=stdin, capture_output=True, text=True, check=False
        )
        assert ended.returncode == -9, ended.stderr

    def _environment(self, url: str) -> dict[str, str]:
        return {**self.place.environment, "PACS_KEK_URL": url or settings.PACS_KEK_URL}


@pytest.fixture
def held(installation: Installation, modality: Any, radiologist: Any, actor_of: Actors) -> Held:
    """Three studies of three patients."""
    sent = {}
    for _ in range(3):
        ds = builders.ct_slice(builders.Identity())
        sent[str(ds.SOPInstanceUID)] = builders.part10(ds)
        ingest.store(actor_of(modality), sent[str(ds.SOPInstanceUID)])
    roots.create_file(installation.root / "new.key")
    return Held(installation, sent, radiologist, actor_of)


@pytest.fixture
def keeper(installation: Installation) -> Any:
    return people.create("keeper", password=PASSWORD, roles=["keeper"], groups=[])


def on_disk(place: Installation, *tables: str) -> bytes:
    """The bytes of tables as they lie on disk; of an embedded database all, its journals with them."""
    if connection.vendor == "sqlite":
        return b"".join(path.read_bytes() for path in sorted(Path(place.data).glob("index.sqlite3*")))
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        found = b""
        for table in tables:
            cursor.execute("SELECT pg_read_binary_file(pg_relation_filepath(%s))", [table])
            found += bytes(cursor.fetchone()[0])
    return found
