"""One small archive before whose doors every line of the table is asked by every column, in turn."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from accounts import identify, standing
from accounts.errors import Refused
from accounts.models import Attempt
from archive import ingest
from audit import leases
from tests import builders
from tests.archive.dicomweb.conftest import body
from tests.completeness import studies
from tests.completeness.studies import Names
from tests.permission import sent, serving, subjects
from tests.permission.cast import Cast
from tests.permission.lines import REFUSED, Line
from tests.permission.peers import Wire

NOTHING: Final = {
    "nothing": "1.2.826.0.1.3680043.10.999",
    "nobody": "00000000-0000-4000-8000-000000000000",
    "pseudonym": "0" * 32,
}
SIGN_IN: Final = "/sign-in/"
STEP_UP: Final = "/step-up/"
SHUT: Final = {401: ">", 403: "-", 404: "x"}


class House:
    """Planted once; what an answer may have changed is prepared anew for the next."""

    def __init__(self) -> None:
        self.cast = Cast()
        self.wire = Wire()
        self.study = studies.of_three()
        self.cast.share(self.study["study"], studies.study()["study"])
        self._prepared: dict[str, Names] = {}

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["House"]:
        connection_created.connect(_in_haste)
        connections["default"].close()
        house = cls()
        try:
            yield house
        finally:
            house.wire.stop()
            connection_created.disconnect(_in_haste)
            ingest.stop()

    def letters(self, line: Line) -> str:
        """What the line gets, one letter a column."""
        return "".join(self.letter(line, column) for column in line.columns)

    def letter(self, line: Line, column: str, during: AbstractContextManager[None] | None = None) -> str:
        """What one column gets; what is prepared is done outside of `during`."""
        if line.cell(column) == "_":
            return "_"
        Attempt.objects.all().delete()
        names = self._names(line, column)
        try:
            letter = self._asked(line, column, names, during or nullcontext())
        finally:
            leases.forget()
            if during is not None:
                forget()
            names.get("after", bool)()
        if line.method not in ("GET", "HEAD") and letter not in REFUSED:
            self._prepared.pop(line.given, None)
        self.cast.take_from_outsiders()
        return letter

    def _asked(self, line: Line, column: str, names: Names, during: AbstractContextManager[None]) -> str:
        path = sent.filled(line.path, names)
        if line.method == "GIVE":
            with during:
                return serving.commanded(path, column)
        if line.method == "WORK":
            with during:
                return serving.worked(path, idle=column == "idle")
        if line.method == "WIRE":
            with during:
                return self.wire.letter(path, column, names)
        browser = self.cast.browser(column, str(names.get("half", "")))
        with during:
            if line.method in ("GET", "HEAD"):
                answer = browser.generic(line.method, path, secure=True)
            else:
                answer = browser.post(path, secure=True, **sent.body(line.sending, names))
            try:
                told = _told(answer)
            except Refused:
                return "(broken off)"
        return _letter(answer, told, sent.filled(line.shows, names))

    def _names(self, line: Line, column: str) -> Names:
        fixed = {**NOTHING, **self.study, "fresh": builders.word().lower()}
        if not line.given:
            return fixed
        if line.given in subjects.OF_ASKER:
            return {**fixed, **subjects.prepare(line.given, self.cast.person(column))}
        if line.given not in self._prepared:
            self._prepared[line.given] = subjects.prepare(line.given, None)
        return {**fixed, **self._prepared[line.given]}


def forget() -> None:
    """Drop what this process may have learnt while a call of the gate was out."""
    identify.forget()
    standing.forget()
    leases.forget()


def _in_haste(connection: BaseDatabaseWrapper, **_named: Any) -> None:
    """Nothing of this archive need outlive the power: who may do what does not depend on when a disk has it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")


def _told(answer: Any) -> str:
    """Everything that was answered, as one text."""
    content = body(answer).decode("utf-8", "replace")
    answer.close()
    return "\n".join((*(f"{name}: {value}" for name, value in answer.headers.items()), content))


def _letter(answer: Any, told: str, shows: str) -> str:
    status = answer.status_code
    if status >= 500:
        return str(status)
    if answer.headers.get("Location", "").startswith(f"{SIGN_IN}?next="):
        return ">"
    if shows and status < 400 and shows in told:
        return "."
    if status in SHUT:
        return SHUT[status]
    if status >= 400:
        return "!"
    path = answer.headers.get("Location", "").partition("?")[0]
    if status == 302 and path in (SIGN_IN, STEP_UP):
        return ">" if path == SIGN_IN else "^"
    return "o" if shows else "."
