"""Signing in: the password, then the second factor, which is enrolled at the first time. These doors stand open."""

import segno
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import entering, factors, mine
from accounts.doors import open_to_all
from accounts.errors import Unacceptable
from accounts.models import Person
from accounts.views import asking

form = require_http_methods(["GET", "HEAD", "POST"])
SECRETS = sensitive_post_parameters("password", "old", "new", "code", "token")


@open_to_all
@SECRETS
@form
def password(request: HttpRequest) -> HttpResponse:
    """Ask for name and password. Every wrong answer looks alike."""
    after = asking.next_path(request)
    error = None
    if request.method == "POST":
        person = entering.by_password(
            asking.store(request),
            asking.text(request, "username"),
            asking.text(request, "password"),
            asking.address(request),
        )
        if person is not None:
            return asking.going_on(_next_step(person), after)
        error = Unacceptable(
            "password", _("Name or password is wrong, or there were too many attempts. Try again in a while.")
        )
    elif asking.actor(request).verified:
        return HttpResponseRedirect(after)
    return asking.page(request, "sign_in", {"next": after}, error)


@open_to_all
@SECRETS
@form
def new_password(request: HttpRequest) -> HttpResponse:
    """Replace an initial password, which somebody else knows, before anything else."""
    after, person = asking.next_path(request), asking.half_signed_in(request)
    if person is None or not person.password_is_initial:
        return asking.going_on(_next_step(person), after)
    error = None
    if request.method == "POST":
        new = asking.text(request, "new")
        try:
            entering.by_new_password(asking.store(request), person, new, asking.address(request))
        except Unacceptable as refused:
            error = Unacceptable("new", str(refused))
        else:
            return asking.going_on(_next_step(person), after)
    return asking.page(request, "new_password", {"next": after, "person": person}, error)


@open_to_all
@SECRETS
@form
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor."""
    after, person = asking.next_path(request), asking.half_signed_in(request)
    if person is None or person.password_is_initial or not factors.enrolled(person):
        return asking.going_on(_next_step(person), after)
    error = None
    if request.method == "POST":
        if entering.by_code(asking.store(request), person, asking.text(request, "code"), asking.address(request)):
            return HttpResponseRedirect(after)
        error = wrong_code()
    return asking.page(request, "code", {"next": after}, error)


@open_to_all
@SECRETS
@form
def enrol(request: HttpRequest) -> HttpResponse:
    """Let the person enrol a second factor: scan, confirm by one code, keep the recovery codes."""
    after, person = asking.next_path(request), asking.half_signed_in(request)
    if person is None or person.password_is_initial or factors.enrolled(person):
        return asking.going_on(_next_step(person), after)
    error = None
    if request.method == "POST":
        typed = asking.text(request, "code")
        codes = entering.by_enrolment(asking.store(request), person, typed, asking.address(request))
        if codes is not None:
            return asking.page(request, "recovery_codes", {"codes": codes, "next": after})
        error = wrong_code()
    device = factors.offer(person)
    picture = segno.make(factors.uri(device), error="m").svg_data_uri(scale=5, border=3, light="#fff")
    seed = factors.secret(device)
    spaced = " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))
    return asking.page(request, "enrol", {"next": after, "picture": picture, "secret": spaced}, error)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out, and have the browser forget what it kept."""
    who = asking.actor(request)
    if who.kind == "person":
        entering.leave(asking.store(request), who)
    response = HttpResponseRedirect("/sign-in/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@SECRETS
@form
def step_up(request: HttpRequest) -> HttpResponse:
    """Ask for a fresh second factor, then go back."""
    after = asking.next_path(request)
    error = None
    if request.method == "POST":
        who = asking.actor(request)
        if entering.step_up(asking.store(request), who, mine.person(who), asking.text(request, "code")):
            return HttpResponseRedirect(after)
        error = wrong_code()
    return asking.page(request, "step_up", {"next": after}, error)


def wrong_code() -> Unacceptable:
    """Return the one answer to every wrong, used or hasty code."""
    return Unacceptable("code", _("This code is wrong or was used already. Wait for the next one and try again."))


def _next_step(person: Person | None) -> str:
    """Return where somebody goes who has proved this much."""
    if person is None:
        return "/sign-in/"
    if person.password_is_initial:
        return "/sign-in/password/"
    return "/sign-in/code/" if factors.enrolled(person) else "/sign-in/enrol/"
