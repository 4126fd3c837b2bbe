"""The page of the record's own health, for whoever may read the record. That it was read is on record."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import gate
from accounts.actors import NOBODY, Actor
from archive import space
from audit import log
from audit.actions import Action, Outcome
from audit.events import Event
from audit.health import looking


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Each part of the record's machinery: good, to be looked at, or broken, and what to do."""
    actor = cast("Actor", getattr(request, "actor", NOBODY))
    gate.permit(actor, Action.LOG_READ)
    health = looking.look(space.floor)
    told = {"page": "health", "state": health.state.value}
    log.commit([Event(Action.LOG_READ, Outcome.OK, actor.who, count=len(health.lines), details=told)])
    return render(request, "audit/health.html", {"health": health})
