"""One small archive before which every row of the matrix is asked, in turn."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts import sessions
from accounts.models import Device, Person, Session
from archive import ingest
from archive.dimse.server import Server
from audit import journal, leases, refusals
from audit.models import AuditEvent, AuditLease, AuditListed
from tests import builders, people
from tests.archive.dicomweb.conftest import Program, body
from tests.archive.dimse import peers
from tests.completeness.matrix import Expected, Row

READINGS = ("log:read", "log:own", "log:verified")
NOBODYS = "1.2.826.0.1.3680043.10.999"


@dataclass(frozen=True)
class House:
    """A study of Radiology, a listener, and what asks at the doors."""

    image: Dataset
    server: Server

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["House"]:
        image = builders.ct_slice()
        ingest.store(people.actor(Device.objects.get(ae_title="CT_ONE")), builders.part10(image))
        server = Server("127.0.0.1", 0).start()
        try:
            yield cls(image, server)
        finally:
            server.stop(2.0)
            ingest.stop()

    def differs(self, row: Row) -> str:
        """Ask; return in words how the answer or the record is not as the row says, or nothing."""
        program = Program(Person.objects.get(username=row.who)) if row.way == "web" else None
        self._settle()
        before = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        status = self._ask(row, program)
        self._settle()
        found = sorted(_told(event) for event in AuditEvent.objects.filter(seq__gt=before))
        if status == row.status and found == sorted(row.expected):
            return ""
        return f"{row}: {status}, {[str(one) for one in found]}"

    def _ask(self, row: Row, program: Program | None) -> int:
        if row.way == "wire":
            return self._associate(row)
        if row.way == "command":
            return _commanded(row.asked)
        uids = (self.image.StudyInstanceUID, self.image.SeriesInstanceUID, self.image.SOPInstanceUID)
        study, series, sop = uids if row.known else (NOBODYS,) * 3
        path = row.asked.format(study=study, series=series, sop=sop)
        if program and row.method == "POST":
            return int(program.store(builders.part10(builders.ct_slice())).status_code)
        answer = program.get(path) if program else _browser(row.who).generic(row.method, path)
        body(answer)
        answer.close()
        return int(answer.status_code)

    def _associate(self, row: Row) -> int:
        if row.asked == "echo":
            return 0 if peers.echoes(self.server.port, calling=row.who) else 1
        (status,) = peers.sends(self.server.port, builders.ct_slice(), calling=row.who)
        return status

    @staticmethod
    def _settle() -> None:
        """Let what was delivered come onto the record, and let no lease or folded refusal of one row serve the next."""
        journal.settle()
        leases.forget()
        refusals.forget()
        AuditLease.objects.all().delete()


def _told(event: AuditEvent) -> Expected:
    """What the row compares. How long the record was when somebody read it depends on the rows before: count -1."""
    count = -1 if event.action in READINGS and event.outcome == "ok" else event.count
    listed = AuditListed.objects.filter(log=event.log, seq=event.seq).count()
    return Expected(event.action, event.outcome, bool(event.study_uid), bool(event.patient), count, listed)


def _commanded(asked: str) -> int:
    try:
        call_command(*asked.split(), stdout=StringIO())
    except (CommandError, SystemExit):
        return 1
    return 0


def _browser(username: str) -> Client:
    """A browser in which this person has given both factors just now."""
    key, now = secrets.token_urlsafe(24), timezone.now()
    Session.objects.create(
        session_key=sessions.row_key(key),
        session_data=sessions.SessionStore().encode({}),
        expire_date=now + sessions.ABSOLUTE,
        person=Person.objects.get(username=username),
        address="127.0.0.1",
        seen_at=now,
        verified_at=now,
        stepped_up_at=now,
    )
    browser = Client(HTTP_HOST="localhost")
    browser.defaults["wsgi.url_scheme"] = "https"
    browser.cookies["__Host-session"] = key
    return browser
