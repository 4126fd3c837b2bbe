"""Which doors stand open to strangers, and what a stranger hears at the others."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

View = TypeVar("View", bound=Callable[..., Any])

SIGN_IN = "/sign-in/"
RETRY_SECONDS = "5"


def open_to_all(view: View) -> View:
    """Mark a view that strangers may call. Every other view is shut to them, whoever wrote it."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def is_open(view: Callable[..., Any]) -> bool:
    """Tell whether the view carries the mark itself."""
    return getattr(view, "open_to_all", False) is True


def wants_json(request: HttpRequest) -> bool:
    """Tell whether a program asks, for which a redirect to a page would be no answer."""
    return request.path.startswith("/dicom-web/") or request.path.endswith(".json")


def shut(request: HttpRequest) -> HttpResponse:
    """Answer somebody without both factors: 401 for programs and page fragments, the way to sign in for browsers."""
    way = f"{SIGN_IN}?{urlencode({'next': request.path})}" if request.method in ("GET", "HEAD") else SIGN_IN
    if wants_json(request):
        return problem(401, "Unauthorized", _("Sign in with both factors, or send an API token."))
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": SIGN_IN})
    return HttpResponseRedirect(way)


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
