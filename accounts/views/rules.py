"""Rules at arrival: which there are, a new one, and many from a file."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import scope_rules
from accounts.errors import Unacceptable
from accounts.models import Group
from accounts.scope_rules import Line
from accounts.views import asking
from accounts.views.sign_in import form


@form
def page(request: HttpRequest) -> HttpResponse:
    """GET: the rules. POST: another one."""
    if request.method != "POST":
        return _page(request)
    line = Line(*(asking.text(request, name) for name in ("attribute", "pattern", "group")))
    try:
        scope_rules.add(asking.actor(request), line)
    except Unacceptable as refused:
        return _page(request, error=refused)
    return redirect("accounts:rules")


@require_POST
def import_(request: HttpRequest) -> HttpResponse:
    """Add the rules of a file, or say what that would do."""
    file = request.FILES.get("file")
    dry = asking.text(request, "dry") == "yes"
    try:
        data = file.read(scope_rules.MOST_BYTES + 1) if file is not None else b""
        done = scope_rules.import_(asking.actor(request), data, dry=dry)
    except Unacceptable as refused:
        return _page(request, error=refused)
    return _page(request, done=done, dry=dry)


@require_POST
def end(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """End a rule."""
    scope_rules.remove(asking.actor(request), identifier)
    return redirect("accounts:rules")


def _page(
    request: HttpRequest,
    *,
    error: Unacceptable | None = None,
    done: scope_rules.Outcome | None = None,
    dry: bool = False,
) -> HttpResponse:
    rows = [
        (rule, scope_rules.ATTRIBUTES.get(rule.attribute, "")) for rule in scope_rules.listed(asking.actor(request))
    ]
    groups = Group.objects.order_by("name")
    context = {"rows": rows, "attributes": scope_rules.ATTRIBUTES.items(), "groups": groups, "done": done, "dry": dry}
    return asking.page(request, "rules", context, error)
