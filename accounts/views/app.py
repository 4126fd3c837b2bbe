"""One's own authenticator app: added later, and taken away."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import factors, gate, mine, own_app
from accounts.errors import Unacceptable
from accounts.views import asking
from accounts.views.sign_in import SECRETS, form, scanned
from audit.actions import Action


@SECRETS
@form
def add(request: HttpRequest) -> HttpResponse:
    """Show one's app, or a picture to scan; keep the app that gives a code."""
    actor = asking.actor(request)
    gate.permit(actor, Action.OWN_CHANGED)
    if (way := asking.stale(request, Action.OWN_APP)) is not None:
        return way
    if request.method != "POST":
        device = own_app.offer(actor)
        return asking.page(request, "app", scanned(device) if device is not None else {})
    try:
        own_app.add(actor, asking.text(request, "code"), end_others=bool(asking.text(request, "others")))
    except Unacceptable as error:
        waiting = None if factors.has_app(mine.person(actor)) else factors.waiting_app(mine.person(actor))
        return asking.page(request, "app", scanned(waiting) if waiting is not None else {}, error)
    return redirect("accounts:me")


@form
def remove(request: HttpRequest) -> HttpResponse:
    """Take one's app away."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if request.method == "POST":
        try:
            own_app.remove(asking.actor(request))
        except Unacceptable as error:
            return asking.page(request, "app", {}, error)
    return redirect("accounts:me")
