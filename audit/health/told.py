"""What verification, alerts and refusals say of the record, and who else is told of it."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import clock, overdue, recorded, schedule, words
from audit.actions import Outcome
from audit.health.lines import Line, State, moment
from audit.messages import cursor
from audit.models import Alert, AuditEvent

STRANGERS = "nobody"
MANY_REFUSALS = 100

VERDICTS = {
    0: lambda: _("intact"),
    1: lambda: _("edited"),
    2: lambda: _("cut or rolled back"),
    3: lambda: _("a signature or a clock is wrong"),
    4: lambda: _("intact as far as a restored backup kept it"),
    9: lambda: _("not verified: something could not be read"),
}


def verification() -> Iterator[Line]:
    """The last verification, the last good one, and when the next is due."""
    label, last, good = _("Last verification"), recorded.last(), recorded.last_good()
    facts = [(_("Next one"), moment(schedule.next_night(timezone.now())))]
    if good is not None:
        facts.append((_("Last one that ended well"), moment(good.at)))
    since = overdue.unverified_since()
    late = since is not None and clock.moment() - since > timedelta(days=settings.PACS_VERIFY_DAYS)
    if last is None:
        said = _("The record was not verified yet.")
        state = State.BROKEN if late else State.GOOD
    else:
        said = _told(last)
        state = State.BROKEN if late or last.code in (None, 1, 2, 3) else State.GOOD if last.good else State.LOOK
    advice = "" if state is State.GOOD else _("Run “manage.py audit verify” and read what it says.")
    if late:
        facts.append((_("Overdue"), _("for more than %(days)s days") % {"days": settings.PACS_VERIFY_DAYS}))
    yield Line("verification", label, state, said, advice, tuple(facts))


def _told(last: recorded.Verdict) -> str:
    verdict = VERDICTS[last.code]() if last.code in VERDICTS else _("its verdict does not open")
    told = {"at": moment(last.at), "who": last.by, "verdict": verdict, "rows": last.rows}
    return _("%(at)s by %(who)s, %(rows)s rows: %(verdict)s.") % told


def open_alerts() -> Iterator[Line]:
    """What nobody has looked at, by kind."""
    label = _("Open alerts")
    kinds = dict(Alert.objects.filter(seen_at=None).values_list("kind").annotate(n=Count("id")))
    if not kinds:
        yield Line("alerts", label, State.GOOD, _("Nothing needs looking at."))
        return
    number = sum(kinds.values())
    said = ngettext("%(n)s alert was not looked at.", "%(n)s alerts were not looked at.", number) % {"n": number}
    facts = tuple((words.alert(kind), str(count)) for kind, count in sorted(kinds.items(), key=lambda one: -one[1]))
    state = State.BROKEN if "tampering" in kinds else State.LOOK
    yield Line("alerts", label, state, said, _("Read them in the inbox of alerts; each says what to do."), facts)


def refusals() -> Iterator[Line]:
    """How often strangers were refused in the last hour; their rows come folded."""
    since = round((clock.now() - 3600) * 1_000_000)
    rows = AuditEvent.objects.filter(time_us__gt=since, actor_kind=STRANGERS, outcome=Outcome.DENIED)
    number, kept = rows.aggregate(n=Sum("count"))["n"] or 0, rows.count()
    said = ngettext(
        "Strangers were refused %(n)s time in the last hour.",
        "Strangers were refused %(n)s times in the last hour.",
        number,
    ) % {"n": number}
    state = State.LOOK if number >= MANY_REFUSALS else State.GOOD
    advice = _("Look at the refusals in the record, and shut the addresses out if they are not yours.")
    facts = ((_("Rows on record"), str(kept)),)
    yield Line("refusals", _("Refusals of strangers"), state, said, advice if state is State.LOOK else "", facts)


def destination() -> Iterator[Line]:
    """The collector of audit messages: the row it has taken, how many wait, and for how long."""
    url = settings.PACS_SYSLOG_URL
    label = _("Collector of audit messages")
    if not url:
        yield Line("destination", label, State.GOOD, _("No other system is told of the record."))
        return
    place = cursor.of(url)
    if place is None:
        said = _("%(url)s was told nothing yet.") % {"url": url}
        yield Line("destination", label, State.LOOK, said, _("Is the scheduler running? Its log says what it does."))
        return
    waiting, since = cursor.lag(place), cursor.waiting_since(place)
    late = since is not None and clock.moment() - since > overdue.SIGNED_WITHIN
    told = {"url": url, "row": f"{place.log}.{place.seq}", "waiting": waiting}
    said = _("%(url)s has taken row %(row)s; %(waiting)s wait.") % told
    facts = () if since is None else ((_("Oldest that waits"), moment(since)),)
    advice = _("Make it reachable again; it is caught up by itself.") if late else ""
    yield Line("destination", label, State.BROKEN if late else State.GOOD, said, advice, facts)
