"""The screen lock, and what every page asks once a second: does the session still stand?"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_POST

from accounts import desks, locking
from accounts.doors import SIGN_IN, open_to_all, open_to_locked
from accounts.errors import Unacceptable
from accounts.middleware import refuse
from accounts.views import asking
from accounts.views.sign_in import SECRETS, factors_of, form, wrong_code, wrong_passkey


@open_to_all
def alive(request: HttpRequest) -> HttpResponse:
    """Tell whose session this is, whether it is locked, and when it locks or ends; 401 when it is over.

    Asking is no use of the session; `?active=1` says that its person did something within the last minute.
    """
    found = locking.standing(asking.store(request), in_use=request.GET.get("active") == "1")
    if found is None:
        refuse(request, asking.actor(request))
        return HttpResponse(status=401)
    if request.method != "GET":
        return HttpResponse(status=405, headers={"Allow": "GET"})
    told = {"who": str(found.whose), "locked": found.locked, "locks": found.locks_in, "ends": found.ends_in}
    if found.locked and found.person is not None:
        told["passkey"] = factors_of(found.person, request)["has_passkey"]
    return JsonResponse(told)


@open_to_locked
@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """Lock the screen. The viewer sends along what is laid out on it, to be given back when it is opened again."""
    study_uid, laid_out = asking.text(request, "study"), request.POST.get("desk", "").encode()
    try:
        locked = locking.lock(
            asking.store(request), asking.address(request), (study_uid, laid_out) if laid_out and study_uid else None
        )
    except Unacceptable:
        # What cannot be kept is no reason to leave the screen open.
        locked = locking.lock(asking.store(request), asking.address(request))
    if asking.wants_no_page(request):
        return HttpResponse(status=204 if locked else 401)
    return asking.going_on("/locked/", asking.next_path(request))


@open_to_locked
@SECRETS
@form
def locked(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of whoever locked the screen, or let somebody else sign in."""
    after, quiet = asking.next_path(request), asking.wants_no_page(request)
    person = locking.holder(asking.store(request))
    if person is None:
        return HttpResponse(status=204) if quiet else HttpResponseRedirect(after)
    error = None
    if request.method == "POST":
        store, answer, address = asking.store(request), asking.passkey(request), asking.address(request)
        if answer:
            opened = locking.by_passkey(store, request.get_host(), answer, address, on_screen=quiet)
        else:
            opened = locking.by_code(store, asking.text(request, "code"), address, on_screen=quiet)
        if opened:
            return HttpResponse(status=204) if quiet else HttpResponseRedirect(after)
        if quiet:
            return HttpResponse(status=422)
        error = wrong_passkey() if answer else wrong_code()
    context = {"next": after, "person": person, "sign_in": SIGN_IN, **factors_of(person, request)}
    return asking.page(request, "locked", context, error)


@require_POST
def desk(request: HttpRequest, study_uid: str) -> HttpResponse:
    """Give back what was laid out at a study when the screen was locked, once; 204 where there is nothing."""
    laid_out = desks.take(asking.actor(request), study_uid)
    if laid_out is None:
        return HttpResponse(status=204)
    return HttpResponse(laid_out, content_type="application/json")
