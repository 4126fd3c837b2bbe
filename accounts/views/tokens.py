"""Everybody's API tokens, as those see them who may end them."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import gate, tokens
from accounts.models import Token
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List the tokens that work: whose, what they may, until when, from where, and where they were used last."""
    gate.permit(asking.actor(request), Action.TOKENS_READ)
    working = Token.objects.filter(revoked_at=None, expires_at__gt=timezone.now(), person__is_active=True)
    rows = working.select_related("person").order_by("person__username", "created_at")
    return asking.page(request, "tokens", {"tokens": rows})


@form
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End anybody's token."""
    actor, subject = asking.actor(request), f"token:{token_id}"
    gate.permit(actor, Action.TOKENS_READ, subject=subject)
    token = Token.objects.filter(pk=token_id).first()
    if token is None:
        raise gate.missed(actor, Action.TOKENS_READ, subject=subject)
    if request.method == "POST":
        told = {"act": "revoked", "token": str(token.id)}
        with gate.change(actor, Action.TOKEN_CHANGED, subject=f"person:{token.person_id}", details=told):
            tokens.revoke(token)
    return redirect("accounts:tokens")
