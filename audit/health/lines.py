"""What the record's health is told in: one line for each thing that can be well or not, and the verdict over all."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import Error as DatabaseFault
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.errors import AuditError
from audit.tables import Unreadable
from keystore.errors import KeystoreError
from vault.errors import Tampered

logger = logging.getLogger("audit.health")

Facts = tuple[tuple[str, str], ...]
FAULTS = (DatabaseFault, KeystoreError, Tampered, Unreadable, AuditError, OSError)


class State(StrEnum):
    GOOD = "good"
    LOOK = "look"
    BROKEN = "broken"


GRAVITY = (State.GOOD, State.LOOK, State.BROKEN)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing: which (`kind` for programs, `label` for people), how it is, and what to do where it is not good."""

    kind: str
    label: str
    state: State
    said: str
    advice: str = ""
    facts: Facts = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Every line, as found at one moment."""

    at: datetime
    lines: tuple[Line, ...]

    @property
    def state(self) -> State:
        """The gravest of all lines."""
        return max((line.state for line in self.lines), key=GRAVITY.index, default=State.GOOD)


def guarded(kind: str, label: str, look: Callable[[], Iterable[Line]]) -> tuple[Line, ...]:
    """The lines of one part; a part that cannot be looked at is broken, and does not hide the others."""
    try:
        return tuple(look())
    except FAULTS as error:
        logger.warning("%s could not be looked at (%s)", kind, type(error).__name__)
        said = _("This could not be looked at (%(fault)s).") % {"fault": type(error).__name__}
        return (Line(kind, label, State.BROKEN, said, _("Look at the program's own log.")),)


def moment(at: datetime) -> str:
    """A time as people of the installation read it."""
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def age(span: timedelta) -> str:
    """How long, in the largest unit of which there are two or more."""
    seconds = max(0, round(span.total_seconds()))
    if seconds >= 2 * 86400:
        return _counted(ngettext("%(n)s day", "%(n)s days", seconds // 86400), seconds // 86400)
    if seconds >= 2 * 3600:
        return _counted(ngettext("%(n)s hour", "%(n)s hours", seconds // 3600), seconds // 3600)
    if seconds >= 2 * 60:
        return _counted(ngettext("%(n)s minute", "%(n)s minutes", seconds // 60), seconds // 60)
    return _counted(ngettext("%(n)s second", "%(n)s seconds", seconds), seconds)


def _counted(words: str, number: int) -> str:
    return words % {"n": number}
