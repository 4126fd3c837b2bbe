"""Which spellings of a physician's name in images are one person."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import gate
from accounts.errors import Unacceptable
from archive import physicians
from archive.browser import problems
from archive.browser.entrance import actor_of
from audit.actions import Action


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """GET: the spellings of a person. POST: another one."""
    actor, error = actor_of(request), None
    if request.method == "POST":
        try:
            physicians.link(actor, person_id, request.POST.get("spelling", ""))
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("browser:spellings", person_id)
    person, rows = physicians.linked(actor, person_id)
    if request.method != "POST" and not gate.fresh(actor, Action.PERSON_CHANGED):
        return problems.step_up(request)
    context = {"person": person, "rows": rows, "error": error, "typed": request.POST}
    return render(request, "browser/spellings.html", context, status=422 if error else 200)


@require_POST
def end(request: HttpRequest, person_id: UUID, link_id: UUID) -> HttpResponse:
    """End a link."""
    physicians.unlink(actor_of(request), person_id, link_id)
    return redirect("browser:spellings", person_id)
