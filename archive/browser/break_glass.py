"""Breaking the glass: the form that asks why, and the end of it before its hour is over."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import break_glass, gate
from accounts.errors import Unacceptable
from archive import emergency
from archive.browser import problems
from archive.browser.entrance import actor_of
from audit.actions import Action


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """GET: ask for the patient and the reason. POST: open the patient's studies for an hour."""
    actor = actor_of(request)
    if request.method == "POST":
        return _opened(request)
    if actor.permitted(Action.BREAK_GLASS) and not gate.fresh(actor, Action.BREAK_GLASS):
        return problems.step_up(request)
    break_glass.require(actor)
    return render(request, "browser/break_glass.html", {"reasons": break_glass.REASONS.items()})


def _opened(request: HttpRequest) -> HttpResponse:
    typed = {
        name: request.POST.get(name, "").strip() for name in ("patient_id", "issuer", "accession", "reason", "words")
    }
    wanted = emergency.Wanted(typed["patient_id"], typed["issuer"], typed["accession"])
    try:
        until = emergency.open_(actor_of(request), wanted, typed["reason"], typed["words"])
    except Unacceptable as error:
        context = {"reasons": break_glass.REASONS.items(), "typed": typed, "error": error}
        return render(request, "browser/break_glass.html", context, status=422)
    return render(request, "browser/glass_broken.html", {"until": until, "typed": typed})


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the emergency access now."""
    break_glass.end(actor_of(request))
    return redirect("browser:home")
