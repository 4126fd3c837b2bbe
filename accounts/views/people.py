"""People, as those see them who may manage them."""

from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from accounts import factors, gate, passwords, people
from accounts.errors import Unacceptable
from accounts.models import Group, Person, Role, TotpDevice
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List everybody with roles, groups, and whether a second factor is enrolled."""
    gate.permit(asking.actor(request), Action.PEOPLE_READ)
    factor = TotpDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    rows = Person.objects.annotate(has_factor=Exists(factor)).prefetch_related("roles", "groups").order_by("username")
    return asking.page(request, "people", {"people": rows})


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
            with gate.change(actor, Action.PERSON_CHANGED, subject=asking.text(request, "username"), details=told):
                made = people.create(
                    asking.text(request, "username"),
                    password=password,
                    roles=roles,
                    groups=groups,
                    full_name=asking.text(request, "full_name"),
                    password_is_initial=True,
                )
        except Unacceptable as refused:
            error = refused
        else:
            return asking.page(request, "password_given", {"person": made, "password": password})
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
            with gate.change(actor, Action.PERSON_CHANGED, subject=f"person:{person.id}", details=told):
                people.edit(person, roles=roles, groups=groups, full_name=asking.text(request, "full_name"))
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:people")
    return asking.page(request, "person", {**_choices(person, request), "person": person}, error)


@form
def disable(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Shut a person out at once: sessions end, tokens are revoked."""
    return _act(request, person_id, Action.PERSON_CHANGED, "disabled")


@form
def enable(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Let a person sign in again."""
    return _act(request, person_id, Action.PERSON_CHANGED, "enabled")


@form
def reset(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Take lost factors away and give a new initial password, shown once."""
    return _act(request, person_id, Action.FACTORS_RESET, "reset")


def _act(request: HttpRequest, person_id: UUID, action: Action, act: str) -> HttpResponse:
    person = _known(request, person_id)
    if request.method != "POST":
        return redirect("accounts:person", person_id=person_id)
    password = ""
    try:
        with gate.change(asking.actor(request), action, subject=f"person:{person.id}", details={"act": act}):
            if act == "disabled":
                people.disable(person)
            elif act == "enabled":
                people.enable(person)
            else:
                factors.reset(person)
                password = people.reset_password(person)
    except Unacceptable as error:
        return asking.page(request, "person", {**_choices(person, request), "person": person}, error)
    if password:
        return asking.page(request, "password_given", {"person": person, "password": password})
    return redirect("accounts:people")


def _known(request: HttpRequest, person_id: UUID) -> Person:
    actor, subject = asking.actor(request), f"person:{person_id}"
    gate.permit(actor, Action.PEOPLE_READ, subject=subject)
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise gate.missed(actor, Action.PEOPLE_READ, subject=subject)
    return person


def _chosen(request: HttpRequest) -> tuple[list[str], list[Group]]:
    return request.POST.getlist("roles"), list(Group.objects.filter(name__in=request.POST.getlist("groups")))


def _choices(person: Person | None, request: HttpRequest) -> dict[str, object]:
    """Return the roles and groups to choose from, each with whether it is chosen."""
    if request.method == "POST":
        held = {*request.POST.getlist("roles")}, {*request.POST.getlist("groups")}
    elif person is not None:
        held = {role.name for role in person.roles.all()}, {group.name for group in person.groups.all()}
    else:
        held = set(), set()
    return {
        "roles": [(role.name, role.name in held[0]) for role in Role.objects.order_by("name")],
        "groups": [(group.name, group.name in held[1]) for group in Group.objects.order_by("name")],
    }
