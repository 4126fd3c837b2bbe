"""The starts and ends of the program's processes, and the settings each began with.

A process holds a file of its own locked for as long as it lives, so that whoever can take the lock has found one that
died without a word: the next process that starts tells so. Nothing is served before a start is on record.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import transaction

from audit import held, log, turns
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.events import Event
from audit.models import AuditEvent
from audit.receipts import Who
from keystore.errors import KeystoreError
from vault.errors import Tampered

SUFFIX = ".running"
UNREADABLE = "(cannot be read)"


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the program: what it serves, and its file, locked while it lives."""

    id: UUID
    role: str
    path: Path
    descriptor: int

    @property
    def who(self) -> Who:
        return Who("system", f"system:{self.role}", self.role)


def started(role: str, version: str, in_force: Mapping[str, str]) -> Process:
    """Put the start of this process on record; return what `stopped` takes.

    In the same transaction stand what differs from the settings on record at the last start, and the processes found
    that died without having stopped. Raises LogUnavailable or OSError; then nothing is on record and nothing held.
    """
    mine = _made(role)
    told = {"version": version, "process": str(mine.id), "pid": os.getpid(), "settings": dict(in_force)}
    try:
        with _dead() as found:
            _record(mine, told, in_force, found)
            for one in found:
                one.path.unlink(missing_ok=True)
    except BaseException:
        _end(mine)
        raise
    return mine


def stopped(process: Process) -> None:
    """Put the end of this process on record. Raises LogUnavailable; the next start then tells that it died."""
    log.commit([Event(Action.STOPPED, Outcome.OK, process.who, details={"process": str(process.id)})])
    _end(process)


def _record(mine: Process, told: Mapping[str, object], in_force: Mapping[str, str], found: list[Process]) -> None:
    try:
        with turns.patience(turns.PATIENCE_MS), transaction.atomic(durable=True):
            # With the turn taken ahead, of processes that start together one alone finds what has changed.
            turns.take(turns.PATIENCE_MS)
            before = _on_record()
            died = [Event(Action.STOPPED, Outcome.FAILED, one.who, details=_death(one, mine)) for one in found]
            changed = [
                Event(Action.SETTING_CHANGED, Outcome.OK, mine.who, details=one) for one in _changes(before, in_force)
            ]
            log.append([*died, *changed, Event(Action.STARTED, Outcome.OK, mine.who, details=told)])
    except (DatabaseFault, KeystoreError) as error:
        raise LogUnavailable("The start cannot be recorded.") from error


def _death(one: Process, finder: Process) -> dict[str, str]:
    return {"process": str(one.id), "found": "it died without having stopped", "by": str(finder.id)}


def _changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What differs, name by name; nothing where no start is on record."""
    if before is None:
        return
    for name in sorted({*before, *now}):
        was, became = before.get(name, ""), now.get(name, "")
        if was != became:
            yield {"setting": name, "before": was, "now": became}


def _on_record() -> dict[str, str] | None:
    """The settings of the last start; values that stand for what cannot be read where its details do not open."""
    last = AuditEvent.objects.filter(action=Action.STARTED).order_by("-log", "-seq").first()
    if last is None:
        return None
    try:
        found: dict[str, str] = (log.open_details(last) or {})["settings"]
    except (Tampered, KeyError):
        return {"settings": UNREADABLE}
    return found


def _directory() -> Path:
    return Path(settings.PACS_DATA_DIR) / "running"


def _made(role: str) -> Process:
    """A file of this process's own, locked before anybody can see it."""
    identifier = uuid4()
    path = _directory() / f"{role}-{identifier}{SUFFIX}"
    return Process(identifier, role, path, held.make(path))


def _end(process: Process) -> None:
    process.path.unlink(missing_ok=True)
    os.close(process.descriptor)


@contextmanager
def _dead() -> Iterator[list[Process]]:
    """The processes that live no more and have not been told of, claimed until the block ends."""
    found = [one for one in map(_claimed, sorted(_directory().glob(f"*{SUFFIX}"))) if one is not None]
    try:
        yield found
    finally:
        for one in found:
            os.close(one.descriptor)


def _claimed(path: Path) -> Process | None:
    role, _, identifier = path.name.removesuffix(SUFFIX).partition("-")
    try:
        known = UUID(identifier)
    except ValueError:
        return None
    descriptor = held.claim(path)
    return None if descriptor is None else Process(known, role, path, descriptor)
