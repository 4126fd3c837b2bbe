"""The pages of the inbox of alerts. Marking alerts as seen is on record, with the note of whoever did."""

from collections.abc import Callable, Iterable, Mapping
from typing import cast
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import gate
from accounts.actors import NOBODY, Actor
from accounts.policy import Permission
from archive.fixity import whose
from audit import alerts, inbox
from audit.actions import Action
from audit.filters import day
from audit.inbox import Filters
from audit.models import Alert
from audit.rules import RULES

LONGEST_NOTE = 200


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """What somebody should look at or, asked for, what somebody has seen."""
    actor = _actor(request)
    gate.permit(actor, Action.ALERT_CHANGED)
    filters = _filters(request)
    found = inbox.read(filters, request.GET.get("older", ""), _links(actor))
    query = request.GET.copy()
    query.pop("older", None)
    context = {
        "page": found,
        "filters": filters,
        "kinds": sorted(((kind, rule.label) for kind, rule in RULES.items()), key=lambda one: str(one[1])),
        "query": query.urlencode(),
        "turned": request.GET.get("older"),
        "longest": LONGEST_NOTE,
        "grave": inbox.grave(),
    }
    return render(request, "audit/alerts.html", context)


@require_POST
def see_one(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Mark an alert as seen, under the reader's name."""
    if not Alert.objects.filter(pk=alert_id).exists():
        raise gate.missed(_actor(request), Action.ALERT_CHANGED, subject=f"alert:{alert_id}")
    told = {"act": "seen", **_note(request)}
    event_id = uuid4()
    with gate.change(
        _actor(request), Action.ALERT_CHANGED, subject=f"alert:{alert_id}", details=told, event_id=event_id
    ) as details:
        details["changed"] = alerts.see(alert_id, _actor(request).name, event_id)
    return _back(request)


@require_POST
def see_several(request: HttpRequest) -> HttpResponse:
    """Mark the alerts chosen, or all of the page, as seen by one act that names each."""
    name = "shown" if "all" in request.POST else "alert"
    chosen = [UUID(one) for one in request.POST.getlist(name)[: inbox.ROWS] if _is_uuid(one)]
    told = {"act": "seen", "alerts": [str(one) for one in chosen], **_note(request)}
    event_id = uuid4()
    with gate.change(
        _actor(request), Action.ALERT_CHANGED, subject="alerts", details=told, event_id=event_id
    ) as details:
        details["changed"] = sum(alerts.see(one, _actor(request).name, event_id) for one in chosen)
    return _back(request)


def _actor(request: HttpRequest) -> Actor:
    return cast("Actor", getattr(request, "actor", NOBODY))


def _links(actor: Actor) -> Callable[[Iterable[UUID]], Mapping[UUID, str]] | None:
    """Links lead to the record, so that only who may read it gets them."""
    return whose.studies if Permission.LOG_READ in actor.permissions else None


def _note(request: HttpRequest) -> dict[str, str]:
    note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
    return {"note": note} if note else {}


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that was left, as far as it is one of these."""
    kind = request.POST.get("kind", "")
    answer = redirect("audit:alerts")
    if kind in RULES:
        answer["Location"] += f"?kind={kind}"
    return answer


def _filters(request: HttpRequest) -> Filters:
    kind = request.GET.get("kind", "")
    return Filters(
        kind=kind if kind in RULES else "",
        seen=request.GET.get("state") == "seen",
        first_day=day(request.GET.get("from", "")),
        last_day=day(request.GET.get("to", "")),
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
