"""Unknown callers: who was refused because nobody knows it, to be adopted as a device or blocked."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from accounts import callers, failures, gate
from accounts.models import Caller
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List who called, the latest first, and who is blocked."""
    gate.permit(asking.actor(request), Action.DEVICE_CHANGED)
    told = [(one, failures.words(one.failure)) for one in callers.listed()]
    return asking.page(request, "callers", {"callers": told, "blocked": callers.shut_out()})


@form
def block(request: HttpRequest, caller_id: UUID) -> HttpResponse:
    """Keep a caller out of the list and of the record, or list it again."""
    actor, subject = asking.actor(request), f"caller:{caller_id}"
    gate.permit(actor, Action.DEVICE_CHANGED, subject=subject)
    caller = Caller.objects.filter(pk=caller_id).exclude(address=callers.MANY).first()
    if caller is None:
        raise gate.missed(actor, Action.DEVICE_CHANGED, subject=subject)
    if request.method == "POST":
        on = asking.text(request, "blocked") == "yes"
        told = {"act": "blocked" if on else "unblocked", "ae_title": caller.ae_title, "address": caller.address}
        with gate.change(actor, Action.DEVICE_CHANGED, subject=subject, details=told):
            callers.block(caller, actor.name) if on else callers.unblock(caller)
    return redirect("accounts:callers")
