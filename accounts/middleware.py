"""Who sends this request, and may somebody without both factors call this view? No, unless the view says so."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Protocol, cast
from uuid import uuid4

from django.db import Error as DatabaseFault
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import translation

from accounts import doors, identify, tokens
from accounts.actors import Actor
from accounts.doors import open_to_all
from accounts.identify import STRANGER, Principal
from accounts.models import Token
from accounts.sessions import SessionStore
from audit import log
from audit.actions import Action
from audit.errors import LogUnavailable

__all__ = ["Identify", "KnownRequest", "RequireFactors", "open_to_all"]

GetResponse = Callable[[HttpRequest], HttpResponseBase]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PIXELS = "/dicom-web/"
POLL_HEADER = "Custos-Poll"
"""A page sends this header when it asks by itself, so that a page left open does not keep a session alive."""


class KnownRequest(Protocol):
    """What `Identify` adds to a request."""

    actor: Actor
    theme: str
    locked: bool


class Identify:
    """Middleware: set `request.actor` from the session cookie, or from the token in the Authorization header alone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            principal = _principal(request)
        except (LogUnavailable, DatabaseFault):
            return doors.paused(request)
        known = cast("KnownRequest", request)
        known.actor = principal.actor.at(uuid4().hex)
        known.theme = principal.theme
        known.locked = principal.locked
        if principal.language:
            translation.activate(principal.language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class RequireFactors:
    """Middleware: refuse every view that is not marked open to whoever has not given both factors (or a token).

    It also asks for the CSRF token where a view is exempt from Django's own check but a cookie says who acts.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if doors.is_open(view):
            return None
        known = cast("KnownRequest", request)
        actor = known.actor
        if known.locked and doors.opens_to_locked(view):
            return None
        half = actor.kind == "person" and not known.locked and doors.is_half_open(view)
        if not actor.verified and not half:
            return refuse(request, actor, locked=known.locked)
        if actor.kind == "link" and not doors.opens_to_links(view):
            return absent(request, actor)
        if actor.has_session and request.method not in SAFE and getattr(view, "csrf_exempt", False):
            return CsrfViewMiddleware(_nothing).process_view(request, _nothing, args, kwargs)
        return None


def _nothing(_request: HttpRequest) -> HttpResponse:
    raise NotImplementedError("stands for a view that is not exempt")


def refuse(request: HttpRequest, actor: Actor, *, locked: bool = False) -> HttpResponse:
    """Answer whoever has not given both factors, or whose session is locked; the refusal is on record first."""
    told: dict[str, Any] = {"path": request.path[:200], "method": request.method}
    if locked:
        told["refused"] = "locked"
    try:
        token = _token_elsewhere(request, actor)
        if token is not None:
            told.update(refused="address", token=str(token.id), person=f"person:{token.person_id}")
        log.refused(Action.PAGE, actor.who, told)
    except (LogUnavailable, DatabaseFault):
        return doors.paused(request)
    return doors.shut(request, locked=locked) if token is None else doors.elsewhere()


def absent(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Answer a shared link at a door that is not its own as where there is none; the refusal is on record first."""
    told = {"path": request.path[:200], "method": request.method}
    try:
        log.refused(Action.PAGE, actor.who, {**told, "refused": "link"})
    except (LogUnavailable, DatabaseFault):
        return doors.paused(request)
    raise Http404


def _token_elsewhere(request: HttpRequest, actor: Actor) -> Token | None:
    secret = _token(request.headers.get("Authorization", ""))
    return tokens.elsewhere(secret, actor.address) if secret else None


def _principal(request: HttpRequest) -> Principal:
    """Return who asks. A token in the header counts alone: the cookie beside it is as if it had not been sent."""
    address = request.META.get("REMOTE_ADDR") or ""
    secret = _token(request.headers.get("Authorization", ""))
    if secret is not None:
        request.session = SessionStore()
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        actor = identify.token_actor(secret, address) if secret else STRANGER.actor
        return Principal(actor if actor.kind == "token" else identify.stranger(address).actor)
    key = request.session.session_key
    # What only asks whether the session stands looks at its row by itself, once a second on every screen.
    if not key or request.path == doors.ALIVE:
        return identify.stranger(address)
    pixels = request.method in SAFE and request.path.startswith(PIXELS)
    return identify.session_principal(key, address, fresh=not pixels, idle=POLL_HEADER in request.headers)


def _token(header: str) -> str | None:
    """Return the token of `Bearer TOKEN`, or of `Basic` as its password; "" if unreadable, None without a header."""
    if not header:
        return None
    scheme, _blank, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
