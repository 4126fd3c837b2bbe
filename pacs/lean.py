"""The short way in for images: who asks, whether both factors were given, the view; and the headers of every answer.

A viewer asks for hundreds of frames in a row, and a program with a token stores as many objects. What the other
middleware does for a page (forms, static files, the rest of a session) is nothing to them; what keeps strangers out is
the same here, and so are the headers.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, cast

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, resolve
from django.utils import translation

from accounts.middleware import Identify, RequireFactors
from accounts.sessions import SessionStore
from pacs.headers import Headers

_UID: Final = "[0-9.]{1,64}"
_IMAGES: Final = re.compile(
    rf"/dicom-web/studies/(?P<study>{_UID})(?:/series/(?P<series>{_UID})(?:/instances/(?P<instance>{_UID})"
    r"(?:/frames/(?P<numbers>[0-9,]+))?)?)?(?P<form>/metadata|/rendered|/thumbnail)?",
    re.ASCII,
)
_STORING: Final = re.compile(rf"/dicom-web/studies(?:/(?P<study>{_UID}))?", re.ASCII)
_LEVELS: Final = {"study": "/studies/", "series": "/series/", "instance": "/instances/", "numbers": "/frames/"}
_OUTER: Final = (SecurityMiddleware, Headers, CSPMiddleware, XFrameOptionsMiddleware)


class Lean:
    """Middleware, the outermost: answer what asks for images or stores them, and hand everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._identified = Identify(_viewed)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_short(request):
            return self.get_response(request)
        request.get_host()  # Raises DisallowedHost for one that is not ours.
        language = translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        response = self._identified(request)
        for name, value in _headers(secure=request.is_secure()).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Language", translation.get_language() or language)
        response.headers.setdefault("Vary", "Accept-Language")
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response


def _is_short(request: HttpRequest) -> bool:
    """Whether nothing but the view is wanted. Where a cookie may say who stores, the request is looked at in full."""
    if request.method == "POST":
        return "HTTP_AUTHORIZATION" in request.META and _STORING.fullmatch(request.path_info) is not None
    return request.method == "GET" and _IMAGES.fullmatch(request.path_info) is not None


def _viewed(request: HttpRequest) -> HttpResponseBase:
    """The view's answer to whoever was identified, if both factors were given."""
    request.resolver_match = found = _resolved(request.path_info)
    refused = _FACTORS.process_view(request, found.func, found.args, found.kwargs)
    return refused if refused is not None else cast("HttpResponseBase", found.func(request, **found.kwargs))


def _resolved(path: str) -> ResolverMatch:
    """What a path of images leads to, as Django would find it. Raises Resolver404."""
    matched = _IMAGES.fullmatch(path) or _STORING.fullmatch(path)
    if matched is None:
        return resolve(path)
    told = matched.groupdict()
    named = {name: value for name, value in told.items() if value is not None and name in _LEVELS}
    found = _route(tuple(named), told.get("form") or "")
    return ResolverMatch(found.func, (), named, found.url_name, [*found.app_names], [*found.namespaces], found.route)


@lru_cache(maxsize=32)
def _route(levels: tuple[str, ...], form: str) -> ResolverMatch:
    """Where paths with these levels lead, whatever the UIDs and numbers in them. Raises Resolver404."""
    return resolve("/dicom-web" + ("".join(f"{_LEVELS[level]}1" for level in levels) or "/studies") + form)


_FACTORS: Final = RequireFactors(_viewed)


class _Asked(HttpRequest):
    """A request that came encrypted, or did not; nothing else is known of it."""

    def __init__(self, *, secure: bool) -> None:
        super().__init__()
        self._secure = secure

    def is_secure(self) -> bool:
        return self._secure


@lru_cache(maxsize=2)
def _headers(*, secure: bool) -> dict[str, str]:
    """The headers that the middleware of every other answer adds to it."""

    def answered(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    chain: Callable[[HttpRequest], HttpResponse] = answered
    for middleware in reversed(_OUTER):
        chain = cast("Callable[[HttpRequest], HttpResponse]", middleware(chain))
    response = chain(_Asked(secure=secure))
    return {name: value for name, value in response.items() if name != "Content-Type"}
