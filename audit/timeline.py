"""Who did what, when, from where, newest first: the log as a person reads it, a sitting being one entry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import sittings, words
from audit.actions import Action, Outcome
from audit.filters import Filters, days, moment, place, span
from audit.models import AuditEvent
from audit.seeking import seek
from audit.sittings import Delivered

ROWS = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record."""

    event: AuditEvent
    words: str
    outcome: str
    purpose: str
    refused: bool
    at: datetime
    until: datetime | None

    @property
    def session(self) -> str:
        """The beginning of the session's name: enough to tell sessions apart."""
        return self.event.actor_session[:8]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and the cursor of the next page; `reached` where a walk ended with the page unfilled."""

    entries: tuple[Entry, ...]
    older: str
    reached: datetime | None = None


def read(filters: Filters, older: str, images: Callable[[Iterable[str]], Mapping[str, int]]) -> Page:
    """The page behind the cursor `older` ("" for the newest); `images` says how many images studies have."""
    found = seek(filters, span(*days(filters.first_day, filters.last_day), place(older)), ROWS)
    folded = sittings.delivered(row.sitting for row in found.rows if row.sitting is not None)
    totals = images(row.study_uid for row in found.rows if row.sitting is not None and row.study_uid)
    entries = tuple(entry(row, folded.get(row.sitting) if row.sitting else None, totals) for row in found.rows)
    reached = None if found.reached_us is None else moment(found.reached_us)
    return Page(entries, f"{found.on.log}.{found.on.seq}" if found.on else "", reached)


def entry(row: AuditEvent, delivered: Delivered | None, totals: Mapping[str, int]) -> Entry:
    """One event as a line."""
    until = moment(delivered.last_us) if delivered is not None and delivered.last_us else None
    return Entry(
        row,
        _sentence(row, delivered, totals.get(row.study_uid)),
        words.outcome(row.outcome),
        words.purpose(row.purpose),
        row.outcome != Outcome.OK,
        moment(row.time_us),
        until,
    )


def sentence_of_uses(delivered: Delivered, total: int | None) -> str:
    """`10 of 150 images displayed, 3 prefetched`."""
    parts: list[str] = []
    for use in delivered.uses:
        count, label = delivered.count(use), words.use(use)
        if parts:
            parts.append(f"{count} {label}")
        elif total is None:
            parts.append(
                ngettext("%(count)s image %(use)s", "%(count)s images %(use)s", count) % {"count": count, "use": label}
            )
        else:
            parts.append(_("%(count)s of %(total)s images %(use)s") % {"count": count, "total": total, "use": label})
    if delivered.closed:
        parts.append(_("some deliveries cannot be opened"))
    return ", ".join(parts)


def _sentence(row: AuditEvent, delivered: Delivered | None, total: int | None) -> str:
    said = words.action(row.action)
    if row.outcome != Outcome.OK:
        return _("attempt (%(action)s)") % {"action": said}
    if delivered is not None and (delivered.instances or delivered.closed):
        return _("%(action)s: %(what)s") % {"action": said, "what": sentence_of_uses(delivered, total)}
    if row.action == Action.SEARCH:
        shown = ngettext("%(count)s study shown", "%(count)s studies shown", row.count) % {"count": row.count}
        return _("%(action)s: %(what)s") % {"action": said, "what": shown}
    if row.action == Action.VIEW:
        return _("%(action)s: no image sent yet") % {"action": said}
    if row.count > 1:
        return f"{said} ({row.count})"
    return said
