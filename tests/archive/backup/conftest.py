"""An archive with studies in it, a place for its backups, and an empty machine to restore them on."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from archive import ingest, jobs, tasks
from archive.models import Instance, Job
from tests import builders, services
from tests.archive.keeping.conftest import KILLED
from tests.archive.test_ingest import opened
from tests.conftest import Installation, _point_at, forget_everything

Actors = Callable[[Any], Any]


@dataclass
class Machine:
    """One installation, reached by commands in processes of their own."""

    place: Installation
    extra: dict[str, str] = field(default_factory=dict, kw_only=True)

    def command(self, *argv: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        program = [sys.executable, "manage.py", *argv]
        return subprocess.run(
            program, env=self.environment, input=given, capture_output=True, text=True, check=False, timeout=100
        )

    def told(self, *argv: str, given: str = "", status: int = 0) -> Any:
        """What a command prints as JSON."""
        done = self.command(*argv, "--json", given=given)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)

    def killed(self, place: str, when: str, nth: int, *argv: str, given: str = "") -> None:
        """The command, killed with SIGKILL at the nth call of a function."""
        program = [sys.executable, "-c", KILLED, place, when, str(nth), *argv]
        ended = subprocess.run(
            program, env=self.environment, input=given, capture_output=True, text=True, check=False, timeout=100
        )
        assert ended.returncode == -9, ended.stderr

    @property
    def environment(self) -> dict[str, str]:
        return {**self.place.environment, **self.extra}

    def here(self) -> None:
        """Let this process work on it, without any memory of another."""
        forget_everything()
        _point_at(self.place)


@dataclass
class Clinic(Machine):
    """The archive that is backed up: what was sent to it, by SOP Instance UID, and who may read it."""

    vault: Path
    modality: Any
    radiologist: Any
    actor_of: Actors
    sent: dict[str, bytes] = field(default_factory=dict)

    @property
    def sender(self) -> Any:
        """The modality as the actor that stores."""
        return self.actor_of(self.modality)

    def receive(self, studies: int = 1, slices: int = 2, side: int = 32) -> list[str]:
        """So many new studies, of a patient each; returns their UIDs."""
        actor, uids = self.sender, []
        for _ in range(studies):
            found = builders.study(slices, side=side)
            for ds in found:
                self.sent[str(ds.SOPInstanceUID)] = builders.part10(ds)
                ingest.store(actor, self.sent[str(ds.SOPInstanceUID)])
            uids.append(str(found[0].StudyInstanceUID))
        return uids

    def work(self) -> None:
        """Do the jobs that are promised."""
        Job.objects.filter(state="due").update(due_at="2026-01-01T00:00:00Z")
        for job in jobs.due(500):
            tasks.run(job)

    def backup(self, **_: Any) -> Any:
        return self.told("backup", "create", str(self.vault))


def everything(machine: Machine, reader: Any, actor_of: Actors) -> dict[str, bytes]:
    """Every image of an installation, as a process without memory reads it."""
    machine.here()
    actor = actor_of(type(reader).objects.get(username=reader.username))
    return {one.uid: opened(actor, one) for one in Instance.objects.all()}


@pytest.fixture
def clinic(installation: Installation, modality: Any, radiologist: Any, actor_of: Actors, tmp_path: Path) -> Clinic:
    """Three studies of three patients, and a folder for backups."""
    vault = tmp_path / "vault"
    vault.mkdir()
    made = Clinic(installation, vault, modality, radiologist, actor_of)
    made.receive(3)
    made.work()
    return made


@pytest.fixture
def elsewhere(installation: Installation, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Machine]:
    """A machine with nothing on it but the program, and a database of its own."""
    root = tmp_path / "elsewhere"
    root.mkdir()
    large = connection.vendor == "postgresql"
    url = services.create_database("elsewhere") if large else f"sqlite:{root / 'data' / 'index.sqlite3'}"
    with django_db_blocker.unblock():
        yield Machine(Installation(root, url))
        forget_everything()
        connection.close()
        _point_at(installation)
    if large:
        services.drop_database(url)


def same_root(clinic: Machine, elsewhere: Machine) -> None:
    """Bring the root key to the other machine."""
    shutil.copy(clinic.place.root / "root.key", elsewhere.place.root / "root.key")
