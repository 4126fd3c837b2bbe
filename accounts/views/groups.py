"""Groups: which there are, a new one, who belongs to one, and its end."""

from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import directory, gate, groups, people, rights
from accounts.errors import Unacceptable
from accounts.models import Access, Group, Person
from accounts.policy import Permission
from accounts.scope import UNASSIGNED
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


@form
def edit(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Show who and what belongs to a group; rename it, let a person in, or take one out."""
    group, error = _known(request, group_id), None
    if request.method == "POST":
        try:
            _change(request, group)
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:group", group_id=group_id)
    return _shown(request, group, error)


@form
def delete(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Remove a group to which nothing and nobody belongs any more."""
    actor, group = asking.actor(request), _known(request, group_id)
    if request.method != "POST":
        return redirect("accounts:group", group_id=group_id)
    try:
        with gate.change(actor, Action.GROUP_CHANGED, subject=group.name, details={"act": "deleted"}):
            groups.delete(group)
    except Unacceptable as error:
        return _shown(request, group, error)
    return redirect("accounts:groups")


def _change(request: HttpRequest, group: Group) -> None:
    """Do what the form asks for. Raises Unacceptable."""
    actor, act = asking.actor(request), asking.text(request, "act")
    if act == "rename":
        told = {"act": "renamed", "name": asking.text(request, "name")}
        with gate.change(actor, Action.GROUP_CHANGED, subject=group.name, details=told):
            groups.rename(group, asking.text(request, "name"))
    elif act in ("add", "remove"):
        person = _named(request, active=act == "add")
        told = {"act": "person added" if act == "add" else "person removed", "person": person.username}
        with rights.change(actor, Action.GROUP_CHANGED, subject=group.name, details=told):
            (groups.add if act == "add" else groups.remove)(group, person, by=actor)
    else:
        raise Unacceptable("act", _("There is nothing of this kind to do."))


def _named(request: HttpRequest, *, active: bool) -> Person:
    """Return the person with the user name that was typed. Raises Unacceptable, on record, where there is none."""
    name = people.username(asking.text(request, "person"))
    person = Person.objects.filter(username=name).first() if "\0" not in name else None
    if person is None or (active and not person.is_active):
        gate.missed(asking.actor(request), Action.GROUP_CHANGED, subject=name[:200])
        raise Unacceptable("person", _("There is no person “%(name)s”.") % {"name": name[:60]})
    return person


def _known(request: HttpRequest, group_id: UUID) -> Group:
    actor, subject = asking.actor(request), f"group:{group_id}"
    gate.permit(actor, Action.GROUP_CHANGED, subject=subject)
    group = Group.objects.filter(pk=group_id).first()
    if group is None:
        raise gate.missed(actor, Action.GROUP_CHANGED, subject=subject)
    return group


def _shown(request: HttpRequest, group: Group, error: Unacceptable | None) -> HttpResponse:
    permissions = asking.actor(request).permissions
    name = Group.objects.values_list("name", flat=True).get(pk=group.pk)
    context = {
        "group": group,
        "name": name,
        "ours": group.id != UNASSIGNED,
        "members": group.people.order_by("username"),
        "devices": group.devices.order_by("ae_title"),
        "studies": Access.objects.filter(audience=group.id).values("study_uid").distinct().count(),
        "outside": directory.names_outside(group.id),
        "sees_people": Permission.PEOPLE_MANAGE in permissions,
        "sees_devices": Permission.DEVICES_MANAGE in permissions,
    }
    return asking.page(request, "group", context, error)
