"""Errors of services become `application/problem+json` (RFC 9457), here and nowhere else in this edge.

No answer says whether a study exists that the caller may not see, and none repeats a value of a request or data set.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import orjson
from django.core.exceptions import SuspiciousOperation
from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from accounts.errors import Forbidden, NotVisible, StepUpNeeded
from archive.dicomweb.choices import Mixed, NotAcceptable
from archive.dicomweb.parts import TooLarge, Unreadable
from archive.errors import (
    ArchiveError,
    Damaged,
    Malformed,
    Mismatch,
    RootKeyError,
    Unavailable,
    Undecodable,
    Unsuitable,
    Unwanted,
)
from audit.errors import LogUnavailable

View = Callable[..., HttpResponseBase]

RETRY_AFTER: Final = 5
"""Seconds after which a client that met 503 may come back."""


class BadRequest(Exception):
    """The request cannot be understood: HTTP 400. The text is safe to show."""


class WrongType(Exception):
    """The request's body has a type or encoding that is not taken here: HTTP 415."""


_STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (LogUnavailable, 503),
    (Unavailable, 503),
    (RootKeyError, 503),
    (DatabaseFailure, 503),
    (NotVisible, 404),
    (StepUpNeeded, 403),
    (Forbidden, 403),
    (NotAcceptable, 406),
    (Mixed, 400),
    (Unreadable, 400),
    (BadRequest, 400),
    (TooLarge, 413),
    (WrongType, 415),
    (Damaged, 422),
    (Undecodable, 406),
    (Unsuitable, 404),
    (Malformed, 400),
    (Mismatch, 409),
    (Unwanted, 409),
    (ArchiveError, 400),
    (SuspiciousOperation, 400),
)


def status_of(error: Exception) -> int | None:
    """The HTTP status of an error of ours, None for one that nobody foresaw."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), None)


def _words(error: Exception, status: int) -> str:
    """What a person can do about it. Refusals speak alike whatever the reason."""
    fixed = {
        404: _("There is nothing here that you may see."),
        503: _("The archive cannot answer now. Try again in a few seconds."),
    }
    if isinstance(error, SuspiciousOperation):
        return _("The request cannot be read, or has too many parameters.")
    if isinstance(error, StepUpNeeded):
        return _("Give a fresh second factor first.")
    if isinstance(error, Forbidden):
        return _("Your role does not allow this.")
    if isinstance(error, Unsuitable) or status not in fixed:
        return str(error)
    return fixed[status]


_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    503: "Service Unavailable",
}


def problem(status: int, detail: str, **headers: str) -> HttpResponse:
    """One problem as an answer."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/problem+json")
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def answer(error: Exception) -> HttpResponse | None:
    """The answer to an error of a service or of this edge, None for one that nobody foresaw."""
    status = status_of(error)
    return None if status is None else problem(status, _words(error, status))


def handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Django REST framework's exception handler; None lets an unforeseen error reach the log and answer 500."""
    if isinstance(error, APIException):
        return problem(error.status_code, str(error.detail))
    return answer(error)


def plain(view: View) -> View:
    """Wrap a plain view so that errors of services become problems."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Exception as error:
            found = answer(error)
            if found is None:
                raise
            return found

    return wrapped
