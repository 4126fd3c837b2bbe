"""Sharing a study by a link, and the list of links that last."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import gate
from accounts.errors import Unacceptable
from accounts.policy import Permission
from archive import query, sharing
from archive.browser import problems
from archive.browser.entrance import actor_of
from archive.sharing import Wish
from audit.actions import Action

LONGEST: Final = 500
ENTRIES: Final = ("recipient", "number", "unit", "reason", "download")
FIRST: Final = {"number": str(sharing.USUAL_DAYS), "unit": "days"}


@sensitive_variables("shared", "address")
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest, study_uid: str) -> HttpResponse:
    """GET: say what a link does, ask for whom, how long and why. POST: make it, and show its halves once."""
    actor, error, typed = actor_of(request), None, FIRST
    if request.method == "POST":
        typed = {name: request.POST.get(name, "").strip()[:LONGEST] for name in ENTRIES}
        try:
            shared = sharing.share(actor, study_uid, _wish(typed))
        except Unacceptable as refused:
            error = refused
        else:
            address = f"{request.build_absolute_uri(reverse('accounts:shared'))}#{shared.secrets.token}"
            told = {"study_uid": study_uid, "shared": shared, "address": address, "recipient": typed["recipient"]}
            return render(request, "browser/share_made.html", told)
    elif actor.permitted(Action.LINK_MADE) and not gate.fresh(actor, Action.LINK_MADE):
        return problems.step_up(request)
    else:
        gate.permit(actor, Action.LINK_MADE)
    may_download = Permission.STUDY_DOWNLOAD in actor.permissions
    context = {"study": query.study(actor, study_uid), "typed": typed, "error": error, "may_download": may_download}
    return render(request, "browser/share.html", context, status=422 if error else 200)


@require_safe
def shares(request: HttpRequest) -> HttpResponse:
    """The links that last: one's own, or everybody's for whoever looks after them."""
    return render(request, "browser/shares.html", {"rows": sharing.listed(actor_of(request))})


@require_POST
def end(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """End a link now."""
    sharing.end(actor_of(request), identifier)
    return redirect("browser:shares")


def _wish(typed: dict[str, str]) -> Wish:
    lasts = sharing.lasts(typed["number"], typed["unit"])
    return Wish(typed["recipient"], lasts, typed["reason"], may_download=typed["download"] == "yes")
