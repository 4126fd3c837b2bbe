"""The privacy officer's pages: the record, one sitting, one event, and alerts. Reading the record is on record."""

from collections.abc import Iterable
from datetime import date
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from accounts import gate
from accounts.actors import NOBODY, Actor
from accounts.models import Device, Person, Token
from archive import sizes
from audit import alerts, journal, log, sittings, timeline, words
from audit.actions import Action, Outcome
from audit.events import Event
from audit.models import Alert, AuditEvent, AuditListed
from audit.timeline import Filters
from keystore.errors import KeystoreError
from vault.errors import Tampered

MOST_INSTANCES = 2000
ALERTS = 200


@require_GET
def record(request: HttpRequest) -> HttpResponse:
    """Who viewed what, when, from where, and what was denied: newest first, a page at a time."""
    actor = _reader(request)
    filters = _filters(request)
    page = timeline.read(filters, request.GET.get("older", ""), sizes.images)
    _note(actor, {"page": "record", **filters.told}, study_uid=filters.study_uid, count=len(page.entries))
    kinds = [(name, label) for name, (label, _) in words.KINDS.items()]
    query = request.GET.copy()
    query.pop("older", None)
    context = {
        "page": page,
        "filters": filters,
        "kinds": kinds,
        "query": query.urlencode(),
        "turned": request.GET.get("older"),
    }
    return render(request, "audit/record.html", context)


@require_GET
def sitting(request: HttpRequest, sitting_id: UUID) -> HttpResponse:
    """Exactly what one person or device was sent of one study in one sitting."""
    actor = _reader(request)
    journal.settle()
    views = sittings.views(sitting_id)
    if not views:
        raise gate.missed(actor, Action.LOG_READ, subject=f"sitting:{sitting_id}")
    delivered = sittings.delivered([sitting_id])[sitting_id]
    first = views[0]
    _note(
        actor,
        {"page": "sitting", "sitting": str(sitting_id)},
        study_uid=first.study_uid,
        patient=first.patient,
        count=len(delivered.instances),
    )
    instances = sorted(delivered.instances.values(), key=lambda one: (one.first_us, one.series_uid, one.sop_uid))
    rows = [
        {
            "instance": one,
            "frames": _ranges(one.frames),
            "uses": ", ".join(words.use(use) for use in sorted(one.uses)),
            "last": timeline.moment(one.last_us),
        }
        for one in instances[:MOST_INSTANCES]
    ]
    context = {
        "entry": timeline.entry(first, delivered, sizes.images([first.study_uid])),
        "views": [(view, timeline.moment(view.time_us), words.action(view.action)) for view in views],
        "delivered": delivered,
        "rows": rows,
        "more": max(0, len(instances) - MOST_INSTANCES),
    }
    return render(request, "audit/sitting.html", context)


@require_GET
def event(request: HttpRequest, number: int, seq: int) -> HttpResponse:
    """Everything the log holds of one event, its sealed details opened where they are the log's own."""
    actor = _reader(request)
    row = AuditEvent.objects.filter(log=number, seq=seq).first()
    if row is None:
        raise gate.missed(actor, Action.LOG_READ, subject=f"event:{number}/{seq}")
    _note(actor, {"page": "event", "log": number, "seq": seq}, study_uid=row.study_uid, patient=row.patient, count=1)
    try:
        details, closed = log.open_details(row), False
    except (Tampered, KeystoreError):
        details, closed = None, True
    listed = AuditListed.objects.filter(log=number, seq=seq).order_by("position").values_list("study_uid", flat=True)
    context = {
        "entry": timeline.entry(row, None, {}),
        "details": details,
        "closed": closed or (details is None and row.details_key is not None),
        "listed": listed,
    }
    return render(request, "audit/event.html", context)


@require_GET
def alert_list(request: HttpRequest) -> HttpResponse:
    """What somebody should look at, the unseen first."""
    gate.permit(_actor(request), Action.ALERT_CHANGED)
    unseen = Alert.objects.filter(seen_at=None).order_by("-last_at")[:ALERTS]
    seen = Alert.objects.exclude(seen_at=None).order_by("-seen_at")[: ALERTS // 4]
    return render(request, "audit/alerts.html", {"unseen": _labelled(unseen), "seen": _labelled(seen)})


@require_POST
def see_alert(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Mark an alert as seen, under the reader's name."""
    actor = _actor(request)
    if not Alert.objects.filter(pk=alert_id).exists():
        raise gate.missed(actor, Action.ALERT_CHANGED, subject=f"alert:{alert_id}")
    with gate.change(actor, Action.ALERT_CHANGED, subject=f"alert:{alert_id}", details={"act": "seen"}) as told:
        told["changed"] = alerts.see(alert_id, actor.name)
    return redirect("audit:alerts")


def _labelled(found: Iterable[Alert]) -> list[tuple[Alert, str]]:
    return [(alert, words.alert(alert.kind)) for alert in found]


def _actor(request: HttpRequest) -> Actor:
    return cast("Actor", getattr(request, "actor", NOBODY))


def _reader(request: HttpRequest) -> Actor:
    actor = _actor(request)
    gate.permit(actor, Action.LOG_READ)
    return actor


def _note(actor: Actor, told: dict[str, Any], *, study_uid: str = "", patient: str = "", count: int = 0) -> None:
    """Record the reading before a line of it leaves. Raises LogUnavailable."""
    log.commit(
        [Event(Action.LOG_READ, Outcome.OK, actor.who, study_uid=study_uid, patient=patient, count=count, details=told)]
    )


def _filters(request: HttpRequest) -> Filters:
    person = request.GET.get("person", "").strip()[:150]
    kind = request.GET.get("kind", "")
    return Filters(
        person=person,
        actor_keys=_keys(person),
        study_uid=request.GET.get("study", "").strip()[:64],
        kind=kind if kind in words.KINDS else "",
        first_day=_day(request.GET.get("from", "")),
        last_day=_day(request.GET.get("to", "")),
    )


def _keys(name: str) -> tuple[str, ...]:
    """The log's keys of the person (with all of that person's tokens) or device that has this name now.

    Somebody gone is found by the name kept.
    """
    if not name:
        return ()
    found = {
        "person": Person.objects.filter(username__iexact=name),
        "token": Token.objects.filter(person__username__iexact=name),
        "device": Device.objects.filter(ae_title=name),
    }
    return tuple(f"{kind}:{one}" for kind, rows in found.items() for one in rows.values_list("id", flat=True))


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _ranges(frames: set[int]) -> str:
    """`1-40, 57` of frame numbers; empty for a whole instance."""
    parts: list[list[int]] = []
    for frame in sorted(frames):
        if parts and parts[-1][1] == frame - 1:
            parts[-1][1] = frame
        else:
            parts.append([frame, frame])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
