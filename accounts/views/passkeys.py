"""Passkeys: what a script of ours asks for on behalf of a browser, and one's own page about them."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import doors, factors, gate, locking, mine, own_passkeys
from accounts.doors import open_after_password, open_to_locked
from accounts.errors import Unacceptable
from accounts.factors import passkeys
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


@open_to_locked
@open_after_password
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Give the browser what it needs to use a passkey, with a fresh challenge; also to unlock its session."""
    store, host = asking.store(request), request.get_host()
    holder = locking.holder(store)
    if holder is not None:
        return _options(passkeys.ask(holder, store.row, host))
    return _options(own_passkeys.ask(asking.actor(request), store.row, host))


@open_after_password
@require_POST
def offer(request: HttpRequest) -> HttpResponse:
    """Give the browser what it needs to make a passkey, with a fresh challenge."""
    options = own_passkeys.offer(asking.actor(request), asking.store(request).row, request.get_host())
    return _options(options)


@form
def add(request: HttpRequest) -> HttpResponse:
    """List one's passkeys; keep another."""
    actor = asking.actor(request)
    gate.permit(actor, Action.OWN_CHANGED)
    if (way := asking.stale(request, Action.OWN_PASSKEY)) is not None:
        return way
    if request.method != "POST":
        return _shown(request)
    try:
        own_passkeys.add(
            actor,
            asking.store(request).row,
            request.get_host(),
            asking.passkey(request),
            name=asking.text(request, "name"),
            end_others=bool(asking.text(request, "others")),
        )
    except Unacceptable as error:
        return _shown(request, error)
    return redirect("accounts:add-passkey")


@form
def rename(request: HttpRequest, passkey_id: UUID) -> HttpResponse:
    """Give one of one's passkeys another name."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if request.method == "POST":
        own_passkeys.rename(asking.actor(request), passkey_id, asking.text(request, "name"))
    return redirect("accounts:add-passkey")


@form
def remove(request: HttpRequest, passkey_id: UUID) -> HttpResponse:
    """Take one of one's passkeys away."""
    gate.permit(asking.actor(request), Action.OWN_CHANGED)
    if request.method == "POST":
        try:
            own_passkeys.remove(asking.actor(request), passkey_id)
        except Unacceptable as error:
            return _shown(request, error)
    return redirect("accounts:add-passkey")


def _options(options: own_passkeys.Options | None) -> HttpResponse:
    if options is None:
        return doors.problem(404, "Not Found", _("There is no passkey that can be used here."))
    return JsonResponse(options)


def _shown(request: HttpRequest, error: Unacceptable | None = None) -> HttpResponse:
    me, host = mine.person(asking.actor(request)), request.get_host()
    context = {
        "passkeys": passkeys.of(me),
        "usable": passkeys.usable(host),
        "room": len(passkeys.of(me)) < passkeys.MOST,
        "has_app": factors.has_app(me),
    }
    return asking.page(request, "passkeys", context, error)
