"""One small archive before which every row of the matrix is asked, in turn."""

import getpass
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.core.files import File
from django.test import Client
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts import factors, sessions, tokens
from accounts import people as persons
from accounts.models import Attempt, Person, Session
from archive import ingest
from archive.dimse.server import Server
from audit import deliveries, journal, leases, log, refusals
from audit.models import AuditEvent, AuditLease, AuditListed
from tests import builders
from tests.archive.dicomweb.conftest import Program, body
from tests.archive.dimse import peers
from tests.completeness import given, studies
from tests.completeness.rows import Expected, Row
from tests.completeness.serving import COMMANDS, commanded, lived, shaken, worked
from tests.completeness.studies import Names
from tests.conftest import PASSWORD

READINGS = ("log:read", "log:own", "log:verified", "backup:created", "backup:verified", "key:epoch-ended")
NOBODYS = "1.2.826.0.1.3680043.10.999"
BROWSERS = ("page", "tired", "half", "locked", "stranger", "token")


@dataclass
class House:
    """A study of Radiology, a listener, and what asks at the doors."""

    image: Dataset
    server: Server
    lasting: dict[str, Names] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["House"]:
        image = builders.ct_slice()
        studies.stored(image)
        persons.create("keeper", password=PASSWORD, roles=["keeper"])
        for username in ("keeper", "radiologist"):
            factors.issue(Person.objects.get(username=username))
        server = Server("127.0.0.1", 0).start()
        try:
            yield cls(image, server)
        finally:
            server.stop(2.0)
            ingest.stop()

    def differs(self, row: Row, during: AbstractContextManager[None] | None = None) -> str:
        """Ask; return in words how the answer or the record is not as the row says, or nothing.

        What is prepared is done outside of `during`.
        """
        Attempt.objects.all().delete()
        names = {"fresh": builders.word().lower(), **self._given(row)}
        asker = _asker(row, names)
        self._settle()
        before = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        with during or nullcontext():
            status = self._ask(row, asker, names)
            self._settle()
        names.get("after", bool)()
        found = sorted(_told(event, row, names) for event in AuditEvent.objects.filter(seq__gt=before))
        if status == row.status and found == sorted(replace(one, by=_filled(one.by, names)) for one in row.expected):
            return ""
        return f"{row}: {status}, {[str(one) for one in found]}"

    def _given(self, row: Row) -> Names:
        image = self.image
        uids = {"study": image.StudyInstanceUID, "series": image.SeriesInstanceUID, "sop": image.SOPInstanceUID}
        if row.given in given.LASTING:
            self.lasting[row.given] = self.lasting.get(row.given) or given.PREPARED[row.given]()
            names = {**uids, **self.lasting[row.given]}
        else:
            names = {**uids, **(given.PREPARED[row.given]() if row.given else {})}
        return names if row.known else {**names, **dict.fromkeys(uids, NOBODYS)}

    def _ask(self, row: Row, asker: Any, names: Names) -> int:
        asked = _filled(row.asked, names)
        if row.way == "wire":
            return self._associate(row, names)
        if row.way in ("job", "idle"):
            return worked(asked, idle=row.way == "idle")
        if row.way == "program":
            return lived(asked, row.who, {"PACS_TLS": names.get("tls", "self")})
        if row.way in COMMANDS:
            return commanded(asked, row.way, _filled(row.who, names))
        if row.way == "web":
            answer = asker.store(names["file"]) if row.method == "POST" else asker.get(asked)
        else:
            answer = _browsed(row, asker, asked, names)
        body(answer)
        answer.close()
        return int(answer.status_code)

    def _associate(self, row: Row, names: Names) -> int:
        if row.asked == "tls":
            return shaken(_filled(row.who, names), names.get("folder", ""))
        if row.asked == "echo":
            return 0 if peers.echoes(self.server.port, calling=row.who) else 1
        (status,) = peers.sends(self.server.port, names["image"], calling=row.who)
        return status

    @staticmethod
    def _settle() -> None:
        """Let what was delivered come onto the record, and let no lease or folded refusal of one row serve the next."""
        journal.settle()
        leases.forget()
        refusals.forget()
        AuditLease.objects.all().delete()


def _filled(text: str, names: Mapping[str, Any]) -> str:
    """The text with the names in it; other curly brackets stand."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _told(event: AuditEvent, row: Row, names: Names) -> Expected:
    """What the row compares. How long the record was when somebody read it depends on the rows before: count -1."""
    count = -1 if event.action in READINGS and event.outcome == "ok" else event.count
    listed = AuditListed.objects.filter(log=event.log, seq=event.seq).count()
    use, left = _delivered(event, names) if event.action == "study:delivered" else ("", ())
    by = "" if event.actor_name == _name(row, names) else event.actor_name
    return Expected(
        event.action, event.outcome, bool(event.study_uid), bool(event.patient), count, listed, use, left, by
    )


def _delivered(event: AuditEvent, names: Names) -> tuple[str, tuple[str, ...]]:
    details = log.open_details(event) or {}
    known = {value: name for name, value in names.items() if isinstance(value, str)}
    frames = {known[sop]: "+".join(map(str, shown)) for _, sop, shown, _ in deliveries.instances_of(details)}
    return details["use"], tuple(sorted(f"{name} {shown}".strip() for name, shown in frames.items()))


def _name(row: Row, names: Names) -> str:
    """Under which name who asks stands on record."""
    if row.way in ("command", "bare"):
        return getpass.getuser()
    if row.way in ("stranger", "half") or row.who == "NOBODY":
        return "-" if row.way != "half" else _filled(row.who, names)
    return _filled(row.who, names) + (" (API token)" if row.way in ("web", "token") else "")


def _asker(row: Row, names: Names) -> Any:
    if row.way == "web":
        return Program(Person.objects.get(username=row.who))
    if row.way in BROWSERS:
        return names.get("browser") or _browser(row.way, _filled(row.who, names))
    return None


def _browsed(row: Row, browser: Client, asked: str, names: Names) -> Any:
    headers = {"Custos-Use": row.use} if row.use else {}
    if row.sent:
        return browser.post(asked, _filled(row.sent, names), content_type="application/json", headers=headers)
    form = {name: _entry(value, names) for name, value in row.form.items()}
    if row.method == "POST":
        return browser.post(asked, form, headers=headers)
    return browser.get(asked, form, headers=headers)


def _entry(value: str, names: Names) -> Any:
    """One entry of a form: a file that was prepared, or text."""
    found = names.get(value[1:-1])
    return found if isinstance(found, File) else _filled(value, names)


def _browser(way: str, username: str) -> Client:
    """A browser in which this person has given as much as the way says."""
    key, now = secrets.token_urlsafe(24), timezone.now()
    browser = Client(HTTP_HOST="localhost")
    browser.defaults["wsgi.url_scheme"] = "https"
    if way == "stranger":
        return browser
    if way == "token":
        _, secret = tokens.create(Person.objects.get(username=username))
        browser.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
        return browser
    Session.objects.create(
        session_key=sessions.row_key(key),
        session_data=sessions.SessionStore().encode({}),
        expire_date=now + sessions.ABSOLUTE,
        person=Person.objects.get(username=username),
        address="127.0.0.1",
        seen_at=now,
        verified_at=None if way == "half" else now,
        locked_at=now - timedelta(minutes=1) if way == "locked" else None,
        stepped_up_at={"page": now, "tired": now - timedelta(hours=1)}.get(way),
    )
    browser.cookies["__Host-session"] = key
    return browser
