"""Everything that can happen to a study, in one process: what the sweep looks at afterwards."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts import desks, factors, links, spellings
from accounts.actors import Actor
from accounts.models import Person, Session
from archive import arriving, ingest, jobs, packs, query, reconcile, removal, retrieve, tasks
from archive.arriving import Arrival
from archive.dataset import outline
from archive.models import Job
from archive.query import Criteria, Page
from archive.room import Share
from audit import journal
from keystore import keys as keystore
from keystore import recipient, recovery, roots
from keystore.models import EpochKey
from tests import builders
from tests.canary.objects import Canary
from vault.random import new_secret


@dataclass
class Walk:
    """One study's whole way; `strict` is False where the program was broken on purpose and may refuse."""

    canary: Canary
    modality: Actor
    reader: Actor
    technologist: Actor
    officer: Actor
    person: Person
    root: Path
    strict: bool = True
    reason: str = field(default_factory=builders.word)
    asked: str = field(default_factory=builders.word)

    def run(self) -> None:
        sent = list(self.canary.all())
        steps: tuple[Callable[[], object], ...] = (
            self._month_passes,
            self._enrol,
            self._kept_for_somebody,
            *(lambda ds=ds: ingest.store(self.modality, builders.part10(ds)) for ds in sent),
            lambda: ingest.store(self.modality, builders.part10(sent[0])),
            self._large,
            lambda: self._held(sent[0], reconcile.accept),
            lambda: self._held(sent[1], reconcile.reject),
            self._jobs,
            self._search,
            *(lambda ds=ds: self._look(ds) for ds in sent),
            self._preview,
            self._copy,
            journal.flush,
            journal.settle,
            lambda: call_command("archive", "scrub", "--json"),
            lambda: removal.hold(self.officer, self.canary.study_uid, self.reason),
            lambda: removal.trash(self.technologist, self.canary.study_uid),
            lambda: removal.restore(self.technologist, self.canary.study_uid),
            self._backup,
            lambda: call_command("keys", "rekey", self.canary.study_uid, "--json"),
            self._epoch_ends,
            self._jobs,
            self._shares,
            self._month_passes,
            self._root_changes,
        )
        for step in steps:
            with self._going_on():
                step()
        with self._going_on():
            # One last delivery stays in the journal: the sweep must look there, too.
            self._preview()
            journal.flush()
        ingest.stop()
        packs.forget()

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        if self.strict:
            yield
            return
        with suppress(Exception):
            yield

    def _shares(self) -> None:
        with transaction.atomic():
            recipient.replace(recovery.public_of(new_secret()), 3, 5)

    def _backup(self) -> None:
        vault = self.root / "vault"
        vault.mkdir(exist_ok=True)
        call_command("backup", "create", str(vault), "--json")

    def _epoch_ends(self) -> None:
        number = EpochKey.objects.filter(ended_at=None).order_by("-number").values_list("number", flat=True)[0]
        call_command("keys", "end-epoch", str(number), "--json")

    def _root_changes(self) -> None:
        second = self.root / "second.key"
        roots.create_file(second)
        call_command("keys", "rotate", "--to", f"file:{second}", "--json")
        settings.PACS_KEK_URL = f"file:{second}"
        keystore.forget()

    def _month_passes(self) -> None:
        for row in EpochKey.objects.all():
            EpochKey.objects.filter(id=row.id).update(created_at=row.created_at - timedelta(days=40))
        keystore.forget()
        keystore.current_epoch()
        keystore.installation_key("log", "1999")

    def _kept_for_somebody(self) -> None:
        row = Session(session_key="0" * 40, person=self.person)
        with transaction.atomic():
            spellings.add(self.person, self.reason, uuid4(), uuid4())
            desks.keep(row, self.canary.study_uid, self.reason.encode(), timezone.now())
            until = timezone.now() + timedelta(days=1)
            links.make(self.person, self.canary.study_uid, self.reason, until, may_download=False, event=uuid4())

    def _enrol(self) -> None:
        factors.issue(self.person)

    def _large(self) -> None:
        """An image that is sealed as it arrives, as large ones are."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(arriving, "BEYOND", 1000)
            patch.setattr(outline, "LEAST", 1000)
            arrival = Arrival(self.modality, Share(), largest=1 << 20)
            arrival.add(memoryview(builders.part10(self.canary.image(3))))
            arrival.end(self.modality).result()

    def _held(self, original: Any, decide: Callable[[Actor, Any], None]) -> None:
        ingest.store(self.modality, builders.part10(self.canary.changed(original)))
        self._jobs()
        for row in reconcile.held(self.technologist, self.canary.study_uid):
            decide(self.technologist, row.id)

    def _jobs(self) -> None:
        for _ in range(3):
            Job.objects.filter(state="due").update(due_at=timezone.now())
            for job in jobs.due():
                with self._going_on():
                    tasks.run(job)

    def _search(self) -> None:
        surname = self.canary.who.name.split("^")[0]
        found = query.studies(self.reader, Criteria(patient_name=f"{surname}*"), Page())
        assert len(found.rows) == 1
        query.studies(self.reader, Criteria(patient_id=self.asked), Page())

    def _look(self, ds: Any) -> None:
        uids = (str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID))
        for one in retrieve.instances(self.reader, *uids):
            b"".join(one.chunks)
        b"".join(retrieve.metadata(self.reader, *uids[:2], root="https://localhost/dicom-web").pieces)
        if "PixelData" in ds:
            for frame in retrieve.frames(self.reader, *uids, [1]).parts():
                b"".join(frame.pieces)

    def _preview(self) -> None:
        b"".join(retrieve.thumbnail(self.reader, self.canary.study_uid, self.canary.series_uid).pieces)

    def _copy(self) -> None:
        b"".join(retrieve.archive(self.reader, self.canary.study_uid, "second-opinion", self.reason))


def secrets_drawn(patch: pytest.MonkeyPatch) -> list[bytes]:
    """Every key and seed drawn at random from here on, wherever it is drawn."""
    drawn, urandom = list[bytes](), os.urandom

    def noted(size: int) -> bytes:
        value = urandom(size)
        if size in (20, 32):
            drawn.append(value)
        return value

    patch.setattr(os, "urandom", noted)
    patch.setattr(secrets, "token_bytes", lambda size=32: noted(size))
    return drawn
