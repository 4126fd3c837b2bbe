"""Groups: which there are, and a new one."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import gate, groups
from accounts.errors import Unacceptable
from accounts.models import Group
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@form
def listing(request: HttpRequest) -> HttpResponse:
    """List the groups with how many people and devices each has; make a new one."""
    actor = asking.actor(request)
    gate.permit(actor, Action.GROUP_CHANGED)
    error = None
    if request.method == "POST":
        try:
            with gate.change(actor, Action.GROUP_CHANGED, details={"act": "created"}) as told:
                told["group"] = groups.create(asking.text(request, "name")).name
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:groups")
    members, senders = Count("people", distinct=True), Count("devices", distinct=True)
    rows = Group.objects.annotate(members=members, senders=senders).order_by("name")
    return asking.page(request, "groups", {"groups": rows}, error)
