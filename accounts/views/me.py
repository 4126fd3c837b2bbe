"""One's own page: language and theme, password, API tokens, sessions."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import factors, gate, mine, sessions, token_places, tokens
from accounts.errors import Unacceptable
from accounts.models import Token
from accounts.views import asking
from accounts.views.sign_in import SECRETS, form
from audit.actions import Action


@form
def page(request: HttpRequest) -> HttpResponse:
    """Show one's own page; keep language and theme."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if request.method != "POST":
        return _shown(request)
    try:
        mine.prefer(
            asking.actor(request), language=asking.text(request, "language"), theme=asking.text(request, "theme")
        )
    except Unacceptable as error:
        return _shown(request, error)
    return redirect("accounts:me")


@SECRETS
@form
def password(request: HttpRequest) -> HttpResponse:
    """Replace one's password; every other session ends."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if request.method == "POST":
        try:
            mine.change_password(asking.actor(request), asking.text(request, "old"), asking.text(request, "new"))
        except Unacceptable as error:
            return _shown(request, error)
    return redirect("accounts:me")


@form
def new_token(request: HttpRequest) -> HttpResponse:
    """Make an API token; its secret is shown once, on the page that answers."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if (way := asking.stale(request, Action.OWN_TOKEN)) is not None:
        return way
    if request.method != "POST":
        return redirect("accounts:me")
    try:
        secret = mine.make_token(
            asking.actor(request),
            name=asking.text(request, "name"),
            scopes=request.POST.getlist("scopes"),
            days=asking.number(request, "days", _("A token lasts from 1 to 366 days.")) or tokens.DAYS,
            address=asking.text(request, "address"),
        )
    except Unacceptable as error:
        return _shown(request, error)
    return asking.page(request, "token", {"secret": secret})


@form
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End one of one's tokens."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if request.method == "POST":
        mine.revoke_token(asking.actor(request), token_id)
    return redirect("accounts:me")


@form
def end_session(request: HttpRequest, session: str) -> HttpResponse:
    """End one of one's sessions."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if request.method == "POST":
        mine.end_session(asking.actor(request), session)
    return redirect("accounts:me")


@form
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Replace one's recovery codes; the new ones are shown once."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if (way := asking.stale(request, Action.OWN_TOKEN)) is not None:
        return way
    if request.method != "POST":
        return redirect("accounts:me")
    return asking.page(
        request, "recovery_codes", {"codes": mine.new_recovery_codes(asking.actor(request)), "next": "/me/"}
    )


def _shown(request: HttpRequest, error: Unacceptable | None = None) -> HttpResponse:
    actor = asking.actor(request)
    me, now = mine.person(actor), timezone.now()
    context = {
        "me": me,
        "languages": settings.LANGUAGES,
        "themes": [("dark", _("Dark")), ("light", _("Light"))],
        "tokens": Token.objects.filter(person=me, revoked_at=None, expires_at__gt=now).order_by("created_at"),
        "scopes": tokens.may_carry(me),
        "days": tokens.DAYS,
        "new_places": token_places.lately(me),
        "has_app": factors.has_app(me),
        "passkeys": me.passkeys.count(),
        "codes_left": factors.recovery_codes_left(me),
        "sessions": [
            {"name": sessions.name(row.pk), "row": row, "here": sessions.name(row.pk) == actor.session}
            for row in sessions.of(me)
        ],
    }
    return asking.page(request, "me", context, error)
