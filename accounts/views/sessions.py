"""Who is signed in, as those see it who may end anybody's session."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import gate, sessions
from accounts.models import Person
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List who is signed in: since when, from where, and for how long without doing anything."""
    actor = asking.actor(request)
    gate.permit(actor, Action.PEOPLE_READ)
    now = timezone.now()
    shown = [
        {
            "name": sessions.name(row.pk),
            "row": row,
            "idle": int((now - (row.seen_at or row.started_at)).total_seconds()) // 60,
            "locked": sessions.is_locked(row, now),
            "here": sessions.name(row.pk) == actor.session,
        }
        for row in sessions.of()
    ]
    return asking.page(request, "sessions", {"sessions": shown})


@form
def end(request: HttpRequest, session: str) -> HttpResponse:
    """End one session of anybody."""
    actor, subject = asking.actor(request), f"session:{session[: sessions.NAME_LENGTH]}"
    gate.permit(actor, Action.SESSION_ENDED, subject=subject)
    row = sessions.named(session).exclude(person=None).first() if len(session) == sessions.NAME_LENGTH else None
    if row is None:
        raise gate.missed(actor, Action.SESSION_ENDED, subject=subject)
    if request.method == "POST":
        told = {"session": session}
        with gate.change(actor, Action.SESSION_ENDED, subject=f"person:{row.person_id}", count=1, details=told):
            sessions.end_named(row.person, session)
    return redirect("accounts:sessions")


@form
def end_all(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """End every session of one person, who may sign in again."""
    actor, subject = asking.actor(request), f"person:{person_id}"
    gate.permit(actor, Action.SESSION_ENDED, subject=subject)
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise gate.missed(actor, Action.SESSION_ENDED, subject=subject)
    if request.method == "POST":
        with gate.change(actor, Action.SESSION_ENDED, subject=subject) as told:
            told["sessions"] = sessions.end_all(person)
    return redirect("accounts:sessions")
