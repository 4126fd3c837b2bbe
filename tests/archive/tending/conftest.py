"""An archive whose packs are cared for: what was stored, what nobody names, and the command killed at will."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from pydicom.uid import ImplicitVRLittleEndian

from accounts import identify
from archive import ingest, packs, retrieve, stores, tasks
from archive.fixity import checking
from archive.fixity.checking import Report
from archive.models import Instance, Job
from archive.tending import compact as compacting
from archive.tending.compact import Compacted
from tests import builders
from tests.archive.keeping.conftest import KILLED
from tests.archive.outflow.handling import whole
from tests.conftest import Installation

DAY = 86_400
SHELL = identify.shell("tests")
Actors = Callable[[Any], Any]


@dataclass
class Archive:
    """What was sent, by SOP Instance UID."""

    place: Installation
    modality: Any
    reader: Any
    actor_of: Actors
    sent: dict[str, bytes] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    def store(self, ds: Any) -> Instance:
        """Store one data set; returns its row."""
        data = builders.part10(ds)
        done = ingest.store(self.actor_of(self.modality), data)
        assert done.status == "stored"
        self.sent[done.sop_uid] = data
        return Instance.objects.select_related("pack", "study", "series").get(uid=done.sop_uid, current=True)

    def half_dead(self, slices: int = 3, *, side: int = 32, closed: bool = True) -> list[Instance]:
        """Store a study of which each image came twice, encoded anew: half of its pack is nobody's."""
        study = builders.study(slices, side=side)
        rows = [self.store(ds) for ds in study]
        for ds in study:
            again = builders.part10(ds, ImplicitVRLittleEndian)
            assert ingest.store(self.actor_of(self.modality), again).status == "held"
        work("compare")
        if closed:
            packs.forget()
        return rows

    def file(self, name: str) -> Path:
        path: Path = self.place.data / "packs" / f"{name}.pack"
        return path

    def lying(self) -> set[str]:
        return {one.name for one in stores.store().lying()}

    def age(self, days: float, *names: str) -> None:
        """Make packs that lie there, or all of them, so old."""
        for name in names or self.lying():
            changed = self.file(name).stat().st_mtime - days * DAY
            os.utime(self.file(name), (changed, changed))

    def reads(self) -> bool:
        """Whether everything that was sent comes back byte for byte."""
        actor, back = self.actor_of(self.reader), {}
        for row in Instance.objects.filter(current=True).select_related("study", "series"):
            (back[row.uid],) = whole(retrieve.instances(actor, row.study.uid, row.series.uid, row.uid))
        return back == self.sent

    def command(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        """The command in a process of its own."""
        program = [sys.executable, "manage.py", "archive", *argv]
        return subprocess.run(program, env=self._environment(), capture_output=True, text=True, check=False)

    def killed(self, at: str, when: str, nth: int, *argv: str) -> None:
        """The same, killed with SIGKILL at the nth call of a function."""
        program = [sys.executable, "-c", KILLED, at, when, str(nth), "archive", *argv]
        ended = subprocess.run(program, env=self._environment(), capture_output=True, text=True, check=False)
        assert ended.returncode == -9, ended.stderr

    def _environment(self) -> dict[str, str]:
        return {**self.place.environment, **self.extra}


@pytest.fixture
def archive(installation: Installation, modality: Any, radiologist: Any, actor_of: Actors) -> Iterator[Archive]:
    yield Archive(installation, modality, radiologist, actor_of)
    ingest.stop()
    packs.forget()


@pytest.fixture
def in_bucket(archive: Archive, request: pytest.FixtureRequest) -> Iterator[Archive]:
    """The same, its packs in a bucket."""
    place = request.getfixturevalue("bucket")
    settings.PACS_BLOB_URL, settings.PACS_S3_ENDPOINT, settings.PACS_S3_REGION = place.environment.values()
    archive.extra = place.environment
    packs.forget()
    yield archive
    ingest.stop()
    packs.forget()


def orphan(study: Any = None) -> str:
    """A pack of a crash: sealed bytes that no row names. Nobody writes to it any more."""
    place = packs.append(study or uuid4(), b"head", b"of a crash" * 100)
    packs.flush([place])
    packs.forget()
    return place.name


def work(kind: str) -> None:
    """Do the jobs of a kind, as a worker would, those of later, too."""
    Job.objects.filter(kind=kind, state="due").update(due_at=timezone.now())
    for job in Job.objects.filter(kind=kind, state="due").values_list("id", flat=True):
        assert tasks.run(job)


def compact(**options: Any) -> Compacted:
    return compacting.run(SHELL, tell=lambda now: None, **options)


def record(row: Any) -> bytes:
    """A record as it stands in its pack: lengths, head and object."""
    ((head, offset, length),) = [one for one in packs.records(row.pack.name) if one[1] == row.offset]
    return packs.read(row.pack.name, offset - len(head) - 8, 8 + len(head) + length)


def check() -> Report:
    return checking.run(SHELL)
