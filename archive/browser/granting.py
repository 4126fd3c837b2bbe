"""Grants of single studies, and studies that are restricted."""

from datetime import date
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import gate
from accounts.errors import Unacceptable
from archive import granting, query, restricting
from archive.browser import problems
from archive.browser.entrance import actor_of
from audit.actions import Action

LONGEST = 500


@require_http_methods(["GET", "HEAD", "POST"])
def grant(request: HttpRequest, study_uid: str) -> HttpResponse:
    """GET: ask to whom, until when and why. POST: grant the study."""
    actor, error, typed = actor_of(request), None, {}
    if request.method == "POST":
        typed = {name: request.POST.get(name, "").strip()[:LONGEST] for name in ("to", "until", "reason")}
        try:
            granting.grant(actor, study_uid, typed["to"], _day(typed["until"]), typed["reason"])
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("browser:grants")
    elif actor.permitted(Action.GRANT_CHANGED) and not gate.fresh(actor, Action.GRANT_CHANGED):
        return problems.step_up(request)
    else:
        gate.permit(actor, Action.GRANT_CHANGED)
    context = {"study": query.study(actor, study_uid), "typed": typed, "error": error}
    return render(request, "browser/grant.html", context, status=422 if error else 200)


@require_safe
def grants(request: HttpRequest) -> HttpResponse:
    """The grants that last, of studies that this person sees."""
    return render(request, "browser/grants.html", {"rows": granting.listed(actor_of(request))})


@require_POST
def revoke(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """End a grant now."""
    granting.revoke(actor_of(request), identifier)
    return redirect("browser:grants")


@require_http_methods(["GET", "HEAD", "POST"])
def restricted(request: HttpRequest) -> HttpResponse:
    """GET: the restricted studies. POST: restrict one, for a reason."""
    actor = actor_of(request)
    if request.method == "POST":
        restricting.restrict(actor, request.POST.get("study", "").strip()[:64], request.POST.get("reason", ""))
        return redirect("browser:restricted")
    return render(request, "browser/restricted.html", {"rows": restricting.listed(actor)})


@require_POST
def unrestrict(request: HttpRequest, study_uid: str) -> HttpResponse:
    """Let those see a study again whose it is."""
    restricting.unrestrict(actor_of(request), study_uid)
    return redirect("browser:restricted")


def _day(text: str) -> date:
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None:
        raise Unacceptable("until", _("Give the last day of the grant."))
    return found
