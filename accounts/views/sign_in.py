"""Signing in: the password, then the second factor, which is enrolled at the first time. These doors stand open."""

import segno
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import entering, factors, identify, locking, mine, sessions
from accounts.doors import open_to_all, open_to_links, open_to_locked
from accounts.errors import Unacceptable
from accounts.factors import passkeys
from accounts.models import Person, TotpDevice
from accounts.views import asking

form = require_http_methods(["GET", "HEAD", "POST"])
SECRETS = sensitive_post_parameters("password", "old", "new", "code", "token", "credential", "passphrase")


@open_to_all
@SECRETS
@form
def password(request: HttpRequest) -> HttpResponse:
    """Ask for name and password. Every wrong answer looks alike."""
    after = asking.next_path(request)
    error = None
    if request.method == "POST":
        parks = locking.holder(asking.store(request)) is not None
        person = entering.by_password(
            asking.store(request),
            asking.text(request, "username"),
            asking.text(request, "password"),
            asking.address(request),
            asking.browser(request),
        )
        if person is not None:
            way = asking.going_on(_next_step(person), after)
            return forgetting(way) if parks else way
        error = Unacceptable(
            "password", _("Name or password is wrong, or there were too many attempts. Try again in a while.")
        )
    elif asking.actor(request).verified and asking.actor(request).kind != "link":
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
        store, answer = asking.store(request), asking.passkey(request)
        if answer:
            proved = entering.by_passkey(store, person, request.get_host(), answer, asking.address(request))
        else:
            proved = entering.by_code(store, person, asking.text(request, "code"), asking.address(request))
        if proved:
            return asking.welcome(request, person, HttpResponseRedirect(after))
        error = wrong_passkey() if answer else wrong_code()
    return asking.page(request, "code", {"next": after, **factors_of(person, request)}, error)


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
        typed, answer = asking.text(request, "code"), asking.passkey(request)
        store, address = asking.store(request), asking.address(request)
        if answer:
            codes = entering.by_first_passkey(store, person, request.get_host(), answer, address)
        else:
            codes = entering.by_enrolment(store, person, typed, address)
        if codes is not None:
            shown = asking.page(request, "recovery_codes", {"codes": codes, "next": after})
            return asking.welcome(request, person, shown)
        error = wrong_passkey() if answer else wrong_code()
    return _enrolling(request, person, after, error)


def _enrolling(request: HttpRequest, person: Person, after: str, error: Unacceptable | None) -> HttpResponse:
    shown = {"next": after, "usable": passkeys.usable(request.get_host()), **scanned(factors.offer(person))}
    return asking.page(request, "enrol", shown, error)


def scanned(device: TotpDevice) -> dict[str, object]:
    """Return what a page shows of an app's factor: a picture to scan, and the key to type in by hand."""
    picture = segno.make(factors.uri(device), error="m").svg_data_uri(scale=5, border=3, light="#fff")
    seed = factors.secret(device)
    return {"picture": picture, "secret": " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))}


@open_to_links
@open_to_locked
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out, and have the browser forget what it kept."""
    who, kept = asking.actor(request), locking.holder(asking.store(request))
    if kept is not None:
        who = identify.person_actor(kept, address=who.address, session=sessions.name(asking.store(request).row))
    if who.has_session:
        entering.leave(asking.store(request), who)
    return forgetting(HttpResponseRedirect("/shared/" if who.kind == "link" else "/sign-in/"))


def forgetting(response: HttpResponse) -> HttpResponse:
    """Have the browser forget what it kept for whoever was here before."""
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@SECRETS
@form
def step_up(request: HttpRequest) -> HttpResponse:
    """Ask for a fresh second factor, then go back."""
    after, who = asking.next_path(request), asking.actor(request)
    person, error = mine.person(who), None
    if request.method == "POST":
        store, answer = asking.store(request), asking.passkey(request)
        if answer:
            proved = entering.step_up_by_passkey(store, who, person, request.get_host(), answer)
        else:
            proved = entering.step_up(store, who, person, asking.text(request, "code"))
        if proved:
            return HttpResponseRedirect(after)
        error = wrong_passkey() if answer else wrong_code()
    return asking.page(request, "step_up", {"next": after, **factors_of(person, request)}, error)


def wrong_code() -> Unacceptable:
    """Return the one answer to every wrong, used or hasty code."""
    return Unacceptable("code", _("This code is wrong or was used already. Wait for the next one and try again."))


def wrong_passkey() -> Unacceptable:
    """Return the one answer to every passkey that proved nothing."""
    return Unacceptable("passkey", _("The passkey was not accepted. Try again, or use another way."))


def factors_of(person: Person, request: HttpRequest) -> dict[str, object]:
    """Return by what this person can prove to be it, here and now."""
    return {"has_app": factors.has_app(person), "has_passkey": bool(passkeys.of(person, request.get_host()))}


def _next_step(person: Person | None) -> str:
    """Return where somebody goes who has proved this much."""
    if person is None:
        return "/sign-in/"
    if person.password_is_initial:
        return "/sign-in/password/"
    return "/sign-in/code/" if factors.enrolled(person) else "/sign-in/enrol/"
