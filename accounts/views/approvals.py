"""Acts of two people: what waits, what each will do, and the word of the second person."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from accounts import approvals, asked, resetting
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import Person
from accounts.views import asking
from accounts.views.sign_in import form
from archive import hastening


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List what this person asked for or could confirm."""
    rows = asked.listed(asking.actor(request))
    waiting = [row for row in rows if row.state == "open"]
    past = [row for row in rows if row.state != "open"]
    return asking.page(request, "approvals", {"waiting": waiting, "past": past})


@require_GET
def show(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Say what one act will do, who asked for it, and what this person can decide."""
    return _shown(request, approval_id)


@form
def approve(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Confirm an act; it is done with the answer, which shows a new password once or leads to what came of it."""
    if request.method != "POST":
        return redirect("accounts:approval", approval_id)
    try:
        kind, subject, given = approvals.approve(asking.actor(request), approval_id)
    except Unacceptable as error:
        return _shown(request, approval_id, error)
    if kind.name == resetting.NAME:
        person = Person.objects.get(pk=UUID(subject))
        return asking.page(request, "password_given", {"person": person, "password": given})
    if kind.name == hastening.NAME:
        return redirect("browser:certificate", given)
    return redirect("accounts:approvals")


@form
def refuse(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Stop an act that somebody else asked for."""
    return _decided(request, approval_id, approvals.refuse)


@form
def withdraw(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Take back what one asked for."""
    return _decided(request, approval_id, approvals.withdraw)


def _decided(request: HttpRequest, approval_id: UUID, decide: Callable[[Actor, UUID], None]) -> HttpResponse:
    if request.method != "POST":
        return redirect("accounts:approval", approval_id)
    try:
        decide(asking.actor(request), approval_id)
    except Unacceptable as error:
        return _shown(request, approval_id, error)
    return redirect("accounts:approvals")


def _shown(request: HttpRequest, approval_id: UUID, error: Unacceptable | None = None) -> HttpResponse:
    one = asked.one(asking.actor(request), approval_id)
    if one.may & {"approve", "refuse"} and (way := asking.stale(request, one.kind.action)) is not None:
        return way
    return asking.page(request, "approval", {"one": one, "row": one.row}, error)
