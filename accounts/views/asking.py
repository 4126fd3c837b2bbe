"""What every view of this room asks of its request."""

from collections.abc import Mapping
from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts import entering, gate, mine, places
from accounts.actors import NOBODY, Actor
from accounts.errors import Unacceptable
from accounts.models import Person
from accounts.sessions import SessionStore
from audit.actions import Action

LONGEST = 500


def actor(request: HttpRequest) -> Actor:
    """Return who sends the request."""
    return cast("Actor", getattr(request, "actor", NOBODY))


def store(request: HttpRequest) -> SessionStore:
    return cast("SessionStore", request.session)


def half_signed_in(request: HttpRequest) -> Person | None:
    """Return the person whose password was given and whose second factor was not, or None."""
    who = actor(request)
    return mine.person(who) if who.kind == "person" and not who.verified else None


def address(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR") or ""


def wants_no_page(request: HttpRequest) -> bool:
    """Tell whether a script asks, which shows its own words."""
    return request.headers.get("Accept") == "application/json"


def browser(request: HttpRequest) -> str:
    """Return the name by which the browser is known; "" for one that was not named."""
    return request.COOKIES.get(places.COOKIE, "")


def welcome(request: HttpRequest, person: Person, response: HttpResponse) -> HttpResponse:
    """Name the browser of somebody who gave both factors, so that it is known the next time."""
    name = browser(request) or places.fresh()
    entering.remember(person, address(request), name)
    response.set_cookie(
        places.COOKIE, name, max_age=places.COOKIE_SECONDS, secure=True, httponly=True, samesite="Lax", path="/"
    )
    return response


def text(request: HttpRequest, name: str) -> str:
    """Return one entry of a posted form, bounded."""
    return request.POST.get(name, "")[:LONGEST]


def passkey(request: HttpRequest) -> str:
    """Return the answer of a passkey in a posted form, as its script wrote it; "" where there is none."""
    return request.POST.get("credential", "")


def number(request: HttpRequest, name: str, words: str) -> int | None:
    """Return a posted whole number, None where left empty. Raises Unacceptable with `words` for anything else."""
    typed = text(request, name).strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise Unacceptable(name, words)
    return int(typed)


def next_path(request: HttpRequest) -> str:
    """Return the path of ours that the request wants to go on to; "/" for anything else."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if safe else "/"


def going_on(path: str, after: str) -> HttpResponse:
    """Redirect to one of our paths, remembering where to go after it."""
    return HttpResponseRedirect(path if after == "/" else f"{path}?{urlencode({'next': after})}")


def stale(request: HttpRequest, action: Action) -> HttpResponse | None:
    """Return the way to a fresh second factor if this act will ask for one, so that no form is filled in in vain.

    Who sends a form all the same is left to the gate, which puts the refusal on record.
    """
    if request.method == "POST" or gate.fresh(actor(request), action):
        return None
    return going_on("/step-up/", request.path)


def page(
    request: HttpRequest, name: str, context: Mapping[str, object], error: Unacceptable | None = None
) -> HttpResponse:
    """Render a page of this room; with an error, what was typed stands again beside the words about it."""
    shown = {**context, "error": error, "typed": request.POST}
    return render(request, f"accounts/{name}.html", shown, status=422 if error else 200)
