"""What went wrong, in words that say what to do: the one map from errors of the program to pages.

`Problems` is the innermost middleware and serves every page, also those of the record and of people. DICOMweb has a
map of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.errors import Forbidden, NotVisible, StepUpNeeded
from archive.errors import ArchiveError, Damaged, Malformed, Mismatch, RootKeyError, Unavailable, Unsuitable, Unwanted
from audit.errors import LogUnavailable

RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """A status and what the page says: what happened, and what to do about it."""

    status: int
    title: str | Promise
    advice: str | Promise


NOT_FOUND: Final = Problem(
    404,
    _("This page is not available"),
    _(
        "Either it does not exist or it is not yours to see; the archive does not tell which. "
        "If you need this study for a patient in your care, ask the department that made it for access."
    ),
)
FORBIDDEN: Final = Problem(
    403,
    _("Your role does not allow this"),
    _("The attempt has been recorded. If this is part of your work, ask an administrator to change your role."),
)
PAUSED: Final = Problem(
    503,
    _("The archive is paused"),
    _(
        "The record of views cannot be written at the moment, and without it nothing is shown. "
        "Nothing has been lost. Try again in a few seconds; if it lasts, call whoever runs the archive."
    ),
)
BUSY: Final = Problem(
    503,
    _("The archive cannot do this at the moment"),
    _("Nothing has been lost. Try again in a few seconds; if it lasts, call whoever runs the archive."),
)
DAMAGED: Final = Problem(
    422,
    _("A stored image is damaged"),
    _("It is not shown, and an alert has been raised. Ask the sending department to send the study again."),
)
UNSUITABLE: Final = Problem(
    400,
    _("This cannot be done with this study"),
    _("Go back to the list and open the study again."),
)

# The first kind that an error is an instance of decides.
PAGES: Final[tuple[tuple[type[Exception], Problem], ...]] = (
    (NotVisible, NOT_FOUND),
    (Forbidden, FORBIDDEN),
    (LogUnavailable, PAUSED),
    (Unavailable, BUSY),
    (RootKeyError, BUSY),
    (Damaged, DAMAGED),
    (Malformed, UNSUITABLE),
    (Mismatch, UNSUITABLE),
    (Unwanted, UNSUITABLE),
    (Unsuitable, UNSUITABLE),
    (ArchiveError, BUSY),
    (OperationalError, BUSY),
    (InterfaceError, BUSY),
)


class Problems:
    """Middleware: answer what a page raised with a page of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page for an error of ours; None lets Django treat everything else as a defect."""
        if request.path.startswith("/dicom-web/"):
            return None
        if isinstance(exception, StepUpNeeded):
            return step_up(request)
        found = next((problem for kind, problem in PAGES if isinstance(exception, kind)), None)
        return None if found is None else answer(request, found)


def step_up(request: HttpRequest) -> HttpResponse:
    """Send the person to give a fresh second factor, and back to this path afterwards."""
    if wants_json(request):
        return answer(request, FORBIDDEN)
    return HttpResponseRedirect(f"/step-up/?{urlencode({'next': request.path})}")


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Return the page (or, for scripts, the JSON of RFC 9457) of one problem."""
    response: HttpResponse
    if wants_json(request):
        body = {"status": problem.status, "title": str(problem.title), "detail": str(problem.advice)}
        response = JsonResponse(body, status=problem.status, content_type="application/problem+json")
    else:
        context = {"problem": problem, "next_page": reverse("browser:home")}
        response = render(request, "browser/problem.html", context, status=problem.status)
    if problem.status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asked, who reads JSON and follows no redirect."""
    sent = request.content_type == "application/json"
    return sent or request.path.endswith(".json") or request.headers.get("Accept", "").startswith("application/json")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that leads nowhere exactly like one that is not the reader's to see."""
    return answer(request, NOT_FOUND)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refused."""
    return answer(request, FORBIDDEN)
