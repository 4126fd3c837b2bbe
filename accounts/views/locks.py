"""Names whose sign-in waits because somebody guessed, as those see them who read alerts; and the end of a wait."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import attempts, gate
from accounts.models import Person
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List whose sign-in waits just now."""
    gate.permit(asking.actor(request), Action.LOCK_LIFTED)
    return asking.page(request, "locks", {"rows": attempts.held(timezone.now())})


@form
def lift(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Let a person sign in again at once, from everywhere."""
    actor, subject = asking.actor(request), f"person:{person_id}"
    gate.permit(actor, Action.LOCK_LIFTED)
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise gate.missed(actor, Action.LOCK_LIFTED, subject=subject)
    if request.method == "POST":
        with gate.change(actor, Action.LOCK_LIFTED, subject=subject):
            attempts.lift(person)
    return redirect("accounts:locks")
