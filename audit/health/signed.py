"""The end of the log, its signed checkpoint, and the anchors that keep copies."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import anchors, checkpoints, clock, overdue, tables
from audit.anchors import Place
from audit.health.lines import Facts, Line, State, age, moment
from audit.models import Alert, Checkpoint
from vault.errors import Tampered

SOON = timedelta(minutes=3)


def head() -> Iterator[Line]:
    """The newest row."""
    label, found = _("End of the record"), tables.head()
    if found is None:
        yield Line("head", label, State.GOOD, _("Nothing is on record yet."))
        return
    log, seq, _hash, time_us = found
    said = _("Log %(log)s ends at row %(seq)s, written at %(at)s.") % {
        "log": log,
        "seq": seq,
        "at": moment(clock.at(time_us)),
    }
    yield Line("head", label, State.GOOD, said)


def checkpoint() -> Iterator[Line]:
    """The newest signature, and whether rows wait for the next one for too long."""
    label, newest, waiting = _("Last checkpoint"), _newest(), overdue.unsigned_since()
    waited = clock.moment() - waiting if waiting is not None else timedelta(0)
    if newest is None:
        said = _("No checkpoint was signed yet.")
    else:
        words = {"size": newest.size, "at": moment(newest.created_at), "age": age(clock.moment() - newest.created_at)}
        said = _("%(size)s rows were signed at %(at)s, %(age)s ago.") % words
    facts: Facts = ((_("Oldest unsigned row"), moment(waiting)),) if waiting is not None else ()
    yield Line("checkpoint", label, _late(waited), said, _signing_advice(waited), facts)


def _signing_advice(waited: timedelta) -> str:
    if waited <= SOON:
        return ""
    return _("Is the scheduler running? Its log says why it does not sign; an open alert may, too.")


def each_anchor() -> Iterator[Line]:
    """Every anchor of PACS_ANCHORS: what it knows, and how far it is behind."""
    label = _("Anchors")
    try:
        places = anchors.places()
    except anchors.AnchorError as error:
        yield Line("anchor", label, State.BROKEN, str(error), _("Correct PACS_ANCHORS and start again."))
        return
    if not places:
        yield Line("anchor", label, State.BROKEN, _("No anchor is named."), _("Name a place in PACS_ANCHORS."))
    newest = _newest()
    for place in places:
        yield _anchor(place, newest)


def _anchor(place: Place, newest: Checkpoint | None) -> Line:
    label = _("Anchor %(place)s") % {"place": place}
    log = newest.log if newest is not None else 1
    facts = _last_fault(place)
    try:
        note = place.newest(checkpoints.origin(log))
        held = checkpoints.reader(log)(note).size if note is not None else 0
    except Tampered:
        said, advice = _("Its newest note does not verify."), _("Find out who can write there.")
        return Line("anchor", label, State.BROKEN, said, advice, facts)
    except OSError as error:
        said = _("It cannot be reached (%(fault)s).") % {"fault": anchors.reason(error)}
        return Line(
            "anchor", label, State.BROKEN, said, _("Make it reachable again; it is caught up by itself."), facts
        )
    lag = newest.size - held if newest is not None else 0
    if lag <= 0:
        said = _("It can be reached and holds the newest checkpoint, of %(size)s rows.") % {"size": held}
        return Line("anchor", label, State.GOOD, said, "", facts)
    said = ngettext("It is %(lag)s row behind.", "It is %(lag)s rows behind.", lag) % {"lag": lag}
    return Line("anchor", label, _late(_behind_for(log, held)), said, _("It is caught up at the next copy."), facts)


def _behind_for(log: int, held: int) -> timedelta:
    first = Checkpoint.objects.filter(log=log, size__gt=held).order_by("size").first()
    return clock.moment() - first.created_at if first is not None else timedelta(0)


def _late(waited: timedelta) -> State:
    if waited > overdue.SIGNED_WITHIN:
        return State.BROKEN
    return State.LOOK if waited > SOON else State.GOOD


def _newest() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-log", "-size").first()


def _last_fault(place: Place) -> Facts:
    fault = Alert.objects.filter(kind="anchor", subject=str(place)[:150]).order_by("-last_at").first()
    return ((_("Last fault"), f"{moment(fault.last_at)}: {fault.message}"),) if fault is not None else ()
