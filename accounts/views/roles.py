"""Roles: what each allows and who holds it, for those who give them and for those who read the record."""

import hashlib
from collections.abc import Iterable

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import gate, power, rights, roles
from accounts.actors import Actor
from accounts.duties import APART
from accounts.errors import Unacceptable
from accounts.models import Role
from accounts.permission_words import SECTIONS, offered, word, words
from accounts.policy import Permission
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show every role against every permission, and what one person must not hold together."""
    gate.permit(asking.actor(request), Action.ROLE_READ)
    rows = list(Role.objects.annotate(holders=Count("people")).order_by("name"))
    matrix = [
        (section, [(one, text, [(role, one in role.permissions) for role in rows]) for one, text in permissions])
        for section, permissions in SECTIONS
    ]
    apart = [(words(pair.one), words(pair.other), pair.reason) for pair in APART]
    context = {
        "roles": rows,
        "matrix": matrix,
        "apart": apart,
        "unsound": rights.unsound(),
        "may_edit": _may_edit(request),
    }
    return asking.page(request, "roles", context)


@form
def new(request: HttpRequest) -> HttpResponse:
    """Make a role."""
    gate.permit(asking.actor(request), Action.ROLE_READ)
    return _made(request, "", ())


@form
def clone(request: HttpRequest, role_id: int) -> HttpResponse:
    """Make a role that begins with what another allows."""
    role = _known(request, role_id)
    name = _("%(name)s (copy)") % {"name": roles.readable(role.name)}
    return _made(request, name, role.permissions)


def _made(request: HttpRequest, name: str, held: Iterable[str]) -> HttpResponse:
    actor, error = asking.actor(request), None
    if (way := asking.stale(request, Action.ROLE_CHANGED)) is not None:
        return way
    if request.method == "POST":
        name, held = asking.text(request, "name"), _chosen(request)
        told = {"act": "created", "permissions": sorted(held)}
        try:
            with rights.change(actor, Action.ROLE_CHANGED, subject=name, details=told):
                roles.create(name, held, by=actor)
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:roles")
    else:
        gate.permit(actor, Action.ROLE_CHANGED)
    return asking.page(request, "role", {**_choices(held), "role": None, "name": name, "may_edit": True}, error)


@form
def edit(request: HttpRequest, role_id: int) -> HttpResponse:
    """Show a role; change it once it has been said, and confirmed, for whom that changes what."""
    actor, role = asking.actor(request), _known(request, role_id)
    name, held, error = role.name, list(role.permissions), None
    if _may_edit(request) and (way := asking.stale(request, Action.ROLE_CHANGED)) is not None:
        return way
    if request.method == "POST":
        gate.permit(actor, Action.ROLE_CHANGED, subject=role.name)
        name, held = asking.text(request, "name"), _chosen(request)
        try:
            said = _consequences(actor, role, name, held)
            if request.POST.get("confirmed") != said["seal"]:
                return asking.page(request, "role_confirm", said)
            told = {"act": "edited", "name": name, "permissions": sorted(held), "before": role.permissions}
            with rights.change(actor, Action.ROLE_CHANGED, subject=role.name, details=told):
                later = power.edit_role(actor, role, name, held)
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:approval", later) if later else redirect("accounts:roles")
    people = role.people.order_by("username")
    shown = {"role": role, "name": name, "people": people, "may_edit": _may_edit(request)}
    return asking.page(request, "role", {**_choices(held), **shown}, error)


@form
def delete(request: HttpRequest, role_id: int) -> HttpResponse:
    """Remove a role that nobody holds."""
    actor, role = asking.actor(request), _known(request, role_id)
    if request.method != "POST":
        return redirect("accounts:role", role_id=role_id)
    try:
        with rights.change(actor, Action.ROLE_CHANGED, subject=role.name, details={"act": "deleted"}):
            roles.delete(role, by=actor)
    except Unacceptable as error:
        people = role.people.order_by("username")
        shown = {"role": role, "name": role.name, "people": people, "may_edit": True}
        return asking.page(request, "role", {**_choices(role.permissions), **shown}, error)
    return redirect("accounts:roles")


def _consequences(actor: Actor, role: Role, name: str, held: list[str]) -> dict[str, object]:
    """Return what saving would do, in words, with a seal: it stands for this very change of what is there now."""
    with rights.recorded(actor, Action.ROLE_CHANGED, subject=role.name, details={"permissions": sorted(held)}):
        changed, later = roles.would_change(role, held, by=actor), power.held_back(role, held, by=actor)
    gains, loses = set(held) - set(role.permissions), set(role.permissions) - set(held)
    sealed = repr((role.pk, role.name, sorted(role.permissions), name, sorted(held), changed))
    return {
        "role": role,
        "name": name,
        "held": sorted(held),
        "gains": words(gains),
        "loses": words(loses),
        "later": words(later),
        "changed": [(one.name, words(one.gains), words(one.loses)) for one in changed],
        "seal": hashlib.sha256(sealed.encode()).hexdigest(),
    }


def _may_edit(request: HttpRequest) -> bool:
    return Permission.PEOPLE_MANAGE in asking.actor(request).permissions


def _known(request: HttpRequest, role_id: int) -> Role:
    actor, subject = asking.actor(request), f"role:{role_id}"[:60]
    gate.permit(actor, Action.ROLE_READ, subject=subject)
    role = Role.objects.filter(pk=role_id).first() if role_id < 1 << 63 else None
    if role is None:
        raise gate.missed(actor, Action.ROLE_READ, subject=subject)
    return role


def _chosen(request: HttpRequest) -> list[str]:
    return list(dict.fromkeys(request.POST.getlist("permissions")))


def _choices(held: Iterable[str]) -> dict[str, object]:
    """Return every permission in its section with whether it is chosen, and what is held but not offered."""
    chosen = set(held)
    sections = [(title, [(one, text, one in chosen) for one, text in rows]) for title, rows in SECTIONS]
    return {
        "sections": sections,
        "allowed": words(chosen),
        "strange": [word(one) for one in sorted(chosen.difference(offered()))],
    }
