"""Which doors stand open to strangers, and what a stranger hears at the others."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

View = TypeVar("View", bound=Callable[..., Any])

SIGN_IN = "/sign-in/"
LOCKED = "/locked/"
ALIVE = "/me/alive/"
RETRY_SECONDS = "5"


def open_to_all(view: View) -> View:
    """Mark a view that strangers may call. Every other view is shut to them, whoever wrote it."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def open_to_locked(view: View) -> View:
    """Mark a view that a browser may call whose session is locked: to unlock it, or to leave."""
    view.open_to_locked = True  # type: ignore[attr-defined]
    return view


def opens_to_locked(view: Callable[..., Any]) -> bool:
    """Tell whether the view carries that mark itself."""
    return getattr(view, "open_to_locked", False) is True


def open_to_links(view: View) -> View:
    """Mark a view that a shared link opens, for its study. To a link, any other view is as if it were not there."""
    view.open_to_links = True  # type: ignore[attr-defined]
    return view


def opens_to_links(view: Callable[..., Any]) -> bool:
    """Tell whether the view carries that mark itself."""
    return getattr(view, "open_to_links", False) is True


def is_open(view: Callable[..., Any]) -> bool:
    """Tell whether the view carries the mark itself."""
    return getattr(view, "open_to_all", False) is True


def open_after_password(view: View) -> View:
    """Mark a view that somebody may call, too, who has given the password and not the second factor yet."""
    view.open_after_password = True  # type: ignore[attr-defined]
    return view


def is_half_open(view: Callable[..., Any]) -> bool:
    """Tell whether the view carries the mark itself."""
    return getattr(view, "open_after_password", False) is True


def wants_json(request: HttpRequest) -> bool:
    """Tell whether a program asks, for which a redirect to a page would be no answer."""
    return request.path.startswith("/dicom-web/") or request.path.endswith(".json")


def shut(request: HttpRequest, *, locked: bool = False) -> HttpResponse:
    """Answer somebody without both factors: 401 for programs and page fragments, the way to sign in for browsers.

    Whose session is `locked` is shown the way to unlock it.
    """
    door = LOCKED if locked else SIGN_IN
    way = f"{door}?{urlencode({'next': request.path})}" if request.method in ("GET", "HEAD") else door
    if wants_json(request):
        words = _("This session is locked.") if locked else _("Sign in with both factors, or send an API token.")
        return problem(401, "Unauthorized", words)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": door})
    return HttpResponseRedirect(way)


def elsewhere() -> HttpResponse:
    """Answer whoever shows a token that stands, but not for the address it is shown from."""
    return problem(401, "Unauthorized", _("This API token may not be used from this address."))


def paused(request: HttpRequest) -> HttpResponse:
    """Answer when nobody can be identified, because rights or record cannot be read or written."""
    words = _("The archive is paused. Nothing has been lost; try again in a few seconds.")
    response = (
        problem(503, "Service Unavailable", words)
        if wants_json(request)
        else HttpResponse(words, status=503, content_type="text/plain; charset=utf-8")
    )
    response.headers["Retry-After"] = RETRY_SECONDS
    return response


def problem(status: int, title: str, detail: str) -> HttpResponse:
    """Return a problem as RFC 9457 writes it."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = JsonResponse(body, status=status, content_type="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
