"""The processes that write to the record, their journals, the clock, and the room on the disk."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import clock, journals, pulse, tables
from audit.errors import LogUnavailable
from audit.health.lines import Line, State, age, moment
from audit.models import Heartbeat

ALIVE = timedelta(seconds=10)
SETTLED = timedelta(seconds=60)
APART_SECONDS = 2.0
FAR_APART_SECONDS = 60.0
_GIB = 1024**3


def processes() -> Iterator[Line]:
    """Who could write to the record in the last seconds."""
    label, now = _("Processes"), clock.moment()
    beats = list(Heartbeat.objects.order_by("-beaten_at")[:200])
    alive = [one for one in beats if now - one.beaten_at <= ALIVE]
    words = ngettext("%(n)s process could write just now.", "%(n)s processes could write just now.", len(alive))
    facts = tuple((one.process, _("%(age)s ago") % {"age": age(now - one.beaten_at)}) for one in alive)
    if alive:
        yield Line("processes", label, State.GOOD, words % {"n": len(alive)}, "", facts)
        return
    advice = _("Start the archive, or see in the log of its processes why their probes fail.")
    said = _("No process has written in the last ten seconds.")
    last = ((beats[0].process, moment(beats[0].beaten_at)),) if beats else ()
    yield Line("processes", label, State.LOOK, said, advice, last)


def own_pulse() -> Iterator[Line]:
    """Whether this very process may let anything leave."""
    label = _("Pulse of this process")
    try:
        pulse.check()
    except LogUnavailable:
        advice = _("Look at the database: nothing is shown or sent until it can be written.")
        yield Line("pulse", label, State.BROKEN, _("The record could not be written in the last two seconds."), advice)
        return
    yield Line("pulse", label, State.GOOD, _("The record could be written within the last two seconds."))


def waiting_journals() -> Iterator[Line]:
    """What was sent and is not in the log yet, on this machine."""
    label, place = _("Journals waiting"), Path(settings.PACS_DATA_DIR) / "journals"
    damaged = len(list(place.glob("*.damaged")))
    if damaged:
        words = ngettext("%(n)s journal does not open.", "%(n)s journals do not open.", damaged) % {"n": damaged}
        yield Line("journals", label, State.BROKEN, words, _("Keep it, and find out who can write there."))
        return
    held = [path.stat() for path in sorted(place.glob(f"*{journals.SUFFIX}")) if path.exists()]
    waiting = [one for one in held if one.st_size]
    if not waiting:
        yield Line("journals", label, State.GOOD, _("Everything that was sent is in the record."))
        return
    now = datetime.now(UTC)
    oldest = min(datetime.fromtimestamp(one.st_mtime, UTC) for one in waiting)
    words = ngettext("%(n)s journal waits.", "%(n)s journals wait.", len(waiting)) % {"n": len(waiting)}
    facts = ((_("Oldest"), moment(oldest)),)
    late = now - oldest > SETTLED
    advice = _("Start the archive: the next process moves it into the record.") if late else ""
    yield Line("journals", label, State.LOOK if late else State.GOOD, words, advice, facts)


def clocks() -> Iterator[Line]:
    """The clock of the database, which dates the record, beside that of this machine."""
    label, apart = _("Clock"), clock.read() - time.time()
    head = tables.head()
    ahead = head is not None and head[3] / 1_000_000 > clock.now() + FAR_APART_SECONDS
    if ahead:
        said = _("The newest row was written in the future by its time.")
        yield Line("clock", label, State.BROKEN, said, _("Set the clock of the database's machine right."))
        return
    said = _("The clocks of the database and of this machine are %(seconds)s s apart.") % {
        "seconds": f"{abs(apart):.1f}"
    }
    states = ((FAR_APART_SECONDS, State.BROKEN), (APART_SECONDS, State.LOOK))
    state = next((state for bound, state in states if abs(apart) > bound), State.GOOD)
    advice = "" if state is State.GOOD else _("Let both machines follow the same time service.")
    yield Line("clock", label, state, said, advice)


def disk(floor: Callable[[int], int]) -> Iterator[Line]:
    """The room that images leave for journals and, where the database is embedded, for the log. `floor` is in bytes."""
    found = os.statvfs(settings.PACS_DATA_DIR)
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    kept = floor(total)
    said = _("%(free)s GiB are free; the last %(kept)s GiB are kept for the record.") % {
        "free": f"{free / _GIB:.1f}",
        "kept": f"{kept / _GIB:.1f}",
    }
    state = State.BROKEN if free < kept else State.LOOK if free < 2 * kept else State.GOOD
    advice = (
        "" if state is State.GOOD else _("Give the disk of the data directory more room; images are refused before.")
    )
    yield Line("disk", _("Room on the disk"), state, said, advice)
