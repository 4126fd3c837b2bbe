"""People, as those see them who may manage them."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from accounts import approvals, directory, gate, passwords, people, power, resetting, rights
from accounts.errors import Unacceptable
from accounts.models import Group, Person, Role
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List people with roles, groups and second factor: everybody, or who matches the filters of the query."""
    gate.permit(asking.actor(request), Action.PEOPLE_READ)
    filters = directory.Filters(*(request.GET.get(name, "") for name in ("q", "role", "group", "state")))
    rows = list(directory.people(filters)[: directory.MOST + 1])
    context = {
        "people": rows[: directory.MOST],
        "more": len(rows) > directory.MOST,
        "filters": filters,
        "roles": Role.objects.order_by("name").values_list("name", flat=True),
        "groups": Group.objects.order_by("name").values_list("name", flat=True),
    }
    return asking.page(request, "people", context)


@form
def new(request: HttpRequest) -> HttpResponse:
    """Make a person; the initial password is shown once, on the page that answers."""
    actor = asking.actor(request)
    gate.permit(actor, Action.PEOPLE_READ)
    if (way := asking.stale(request, Action.PERSON_CHANGED)) is not None:
        return way
    error = None
    if request.method == "POST":
        roles, groups = _chosen(request)
        password = passwords.suggest()
        told = {"act": "created", "roles": roles, "groups": [group.name for group in groups]}
        try:
            with rights.change(actor, Action.PERSON_CHANGED, subject=asking.text(request, "username"), details=told):
                made, later = power.create(
                    actor,
                    asking.text(request, "username"),
                    wanted=roles,
                    password=password,
                    groups=groups,
                    full_name=asking.text(request, "full_name"),
                    password_is_initial=True,
                )
        except Unacceptable as refused:
            error = refused
        else:
            return asking.page(request, "password_given", {"person": made, "password": password, "waits": later})
    return asking.page(request, "person", {**_choices(None, request), "person": None}, error)


@form
def edit(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Change a person's name, roles and groups."""
    actor = asking.actor(request)
    person = _known(request, person_id)
    if (way := asking.stale(request, Action.PERSON_CHANGED)) is not None:
        return way
    error = None
    if request.method == "POST":
        roles, groups = _chosen(request)
        told = {"act": "edited", "roles": roles, "groups": [group.name for group in groups]}
        try:
            with rights.change(actor, Action.PERSON_CHANGED, subject=f"person:{person.id}", details=told):
                full_name = asking.text(request, "full_name")
                later = power.edit(actor, person, wanted=roles, groups=groups, full_name=full_name)
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:approval", later) if later else redirect("accounts:people")
    return asking.page(request, "person", {**_choices(person, request), "person": person}, error)


@form
def disable(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """GET: say what will end. POST: shut a person out at once: sessions end, tokens are revoked."""
    person = _known(request, person_id)
    if request.method != "POST":
        return asking.page(request, "person_disable", {"person": person, "standing": directory.standing(person)})
    actor, subject = asking.actor(request), f"person:{person.id}"
    try:
        with rights.change(actor, Action.PERSON_CHANGED, subject=subject, details={"act": "disabled"}) as told:
            told["sessions"], told["tokens"] = people.disable(person, by=actor)
    except Unacceptable as error:
        return asking.page(request, "person", {**_choices(person, None), "person": person}, error)
    return redirect("accounts:people")


@form
def enable(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Let a person sign in again; roles that hold power wait until another person confirms them."""
    person = _known(request, person_id)
    if request.method != "POST":
        return redirect("accounts:person", person_id=person_id)
    actor, told = asking.actor(request), {"act": "enabled"}
    try:
        with rights.change(actor, Action.PERSON_CHANGED, subject=f"person:{person.id}", details=told):
            later = power.enable(actor, person)
    except Unacceptable as error:
        return asking.page(request, "person", {**_choices(person, None), "person": person}, error)
    return redirect("accounts:approval", later) if later else redirect("accounts:people")


@form
def reset(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Ask that lost factors be taken away, which another person confirms."""
    person = _known(request, person_id)
    if request.method != "POST":
        return redirect("accounts:person", person_id=person_id)
    try:
        made = approvals.ask(asking.actor(request), resetting.NAME, str(person.id), concerns=person.id)
    except Unacceptable as error:
        return asking.page(request, "person", {**_choices(person, None), "person": person}, error)
    return redirect("accounts:approval", approval_id=made)


def _known(request: HttpRequest, person_id: UUID) -> Person:
    actor, subject = asking.actor(request), f"person:{person_id}"
    gate.permit(actor, Action.PEOPLE_READ, subject=subject)
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise gate.missed(actor, Action.PEOPLE_READ, subject=subject)
    return person


def _chosen(request: HttpRequest) -> tuple[list[str], list[Group]]:
    return request.POST.getlist("roles"), list(Group.objects.filter(name__in=request.POST.getlist("groups")))


def _choices(person: Person | None, request: HttpRequest | None) -> dict[str, object]:
    """Return the roles and groups to choose from, each with whether it is chosen, in the form that was sent or now."""
    if request is not None and request.method == "POST":
        held = {*request.POST.getlist("roles")}, {*request.POST.getlist("groups")}
    elif person is not None:
        held = {role.name for role in person.roles.all()}, {group.name for group in person.groups.all()}
    else:
        held = set(), set()
    return {
        "roles": [(role.name, role.name in held[0]) for role in Role.objects.order_by("name")],
        "groups": [(group.name, group.name in held[1]) for group in Group.objects.order_by("name")],
        "standing": directory.standing(person) if person is not None else None,
        "waits": power.waiting(person) if person is not None else None,
    }
