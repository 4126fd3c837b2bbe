"""The privacy officer's pages: the record, one sitting, one event. Reading the record is on record."""

from collections.abc import Callable
from datetime import date
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import gate
from accounts.actors import NOBODY, Actor
from accounts.models import Device, Person, Token
from archive import sizes
from audit import aliases, journal, log, names, sittings, timeline, words
from audit.actions import Action, Outcome
from audit.events import Event
from audit.filters import Filters, day, hexadecimal, moment
from audit.models import AuditEvent, AuditListed
from keystore.errors import KeystoreError
from vault.errors import Tampered

MOST_INSTANCES = 2000
ALERTS = 200
_BY_CLICK = frozenset({"device", "address", "patient", "sitting"})


@require_GET
def record(request: HttpRequest) -> HttpResponse:
    """Who viewed what, when, from where, and what was denied: newest first, a page at a time."""
    actor = _reader(request)
    filters = _filters(request)
    page = timeline.read(filters, request.GET.get("older", ""), sizes.images)
    _note(
        actor,
        {"page": "record", **filters.given},
        study_uid=filters.study_uid,
        patient=filters.patient,
        count=len(page.entries),
    )
    context = {
        "page": page,
        "filters": filters,
        "kinds": [(name, label) for name, (label, _actions) in words.KINDS.items()],
        "actions": sorted(((name, str(label)) for name, label in words.ACTIONS.items()), key=lambda one: one[1]),
        "outcomes": words.OUTCOMES.items(),
        "chips": _chips(filters),
        "kept": [(name, value) for name, value in filters.given.items() if name in _BY_CLICK],
        "query": _query(filters),
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
            "last": moment(one.last_us),
        }
        for one in instances[:MOST_INSTANCES]
    ]
    context = {
        "entry": timeline.entry(first, delivered, sizes.images([first.study_uid])),
        "views": [(view, moment(view.time_us), words.action(view.action)) for view in views],
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
    asked = {
        name: request.GET.get(name, "").strip()
        for name in ("person", "device", "address", "patient", "study", "sitting")
    }
    kind, action, outcome = (request.GET.get(name, "") for name in ("kind", "action", "outcome"))
    person, device = asked["person"][:150], asked["device"][:16]
    patient = hexadecimal(asked["patient"])
    named = [keys for name, keys in ((person, _keys(person)), (device, _device_keys(device))) if name]
    return Filters(
        person=person,
        device=device,
        address=asked["address"][:45],
        patient=patient,
        study_uid=asked["study"][:64],
        sitting=hexadecimal(asked["sitting"]),
        kind=kind if kind in words.KINDS else "",
        action=action if action in words.ACTIONS else "",
        outcome=outcome if outcome in words.OUTCOMES else "",
        first_day=day(request.GET.get("from", "")),
        last_day=day(request.GET.get("to", "")),
        actor_keys=frozenset.intersection(*named) if named else frozenset(),
        pseudonyms=aliases.all_of(patient) if patient else frozenset(),
    )


def _chips(filters: Filters) -> list[tuple[str, str, str]]:
    """The filters in force: what each is called, its value in words, and the address without it."""
    labels = {
        "person": _("Person or device"),
        "device": _("Device"),
        "address": _("From where"),
        "patient": _("Patient"),
        "study": _("Study"),
        "sitting": _("Sitting"),
        "kind": _("What"),
        "action": _("Act"),
        "outcome": _("Outcome"),
        "from": _("From"),
        "to": _("To"),
    }
    said: dict[str, Callable[[str], str]] = {
        "kind": lambda name: str(words.KINDS[name][0]),
        "action": words.action,
        "outcome": words.outcome,
        "from": lambda text: date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT"),
        "to": lambda text: date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT"),
    }
    given = filters.given.items()
    return [(labels[name], said.get(name, str)(value), _query(filters, without=name)) for name, value in given]


def _keys(name: str) -> frozenset[str]:
    """The log's keys of whoever has this name now (a person with all tokens, a device) or acted under it once."""
    found = {
        "person": Person.objects.filter(username__iexact=name),
        "token": Token.objects.filter(person__username__iexact=name),
    }
    known = {f"{kind}:{one}" for kind, rows in found.items() for one in rows.values_list("id", flat=True)}
    return names.keys(name) | known | _device_keys(name)


def _device_keys(title: str) -> frozenset[str]:
    """The log's keys of the device that has this AE title now or once had it."""
    known = Device.objects.filter(ae_title=title).values_list("id", flat=True)
    return names.keys(title, "device") | {f"device:{one}" for one in known}


def _query(filters: Filters, *, without: str = "") -> str:
    """The filters as a part of an address, all of them or all but one."""
    return urlencode({name: value for name, value in filters.given.items() if name != without})


def _ranges(frames: set[int]) -> str:
    """`1-40, 57` of frame numbers; empty for a whole instance."""
    parts: list[list[int]] = []
    for frame in sorted(frames):
        if parts and parts[-1][1] == frame - 1:
            parts[-1][1] = frame
        else:
            parts.append([frame, frame])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
