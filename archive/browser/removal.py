"""Taking a study away and back: the question before the trash, the trash itself, and the legal holds."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from archive import query, removal
from archive.browser.entrance import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
def trash(request: HttpRequest, study_uid: str) -> HttpResponse:
    """GET: say what will happen. POST: hide the study from everybody."""
    actor = actor_of(request)
    if request.method == "POST":
        removal.trash(actor, study_uid)
        return redirect("browser:trashed")
    removal.may_trash(actor)
    context = {"study": query.study(actor, study_uid), "days": settings.PACS_TRASH_DAYS}
    return render(request, "browser/trash.html", context)


@require_safe
def trashed(request: HttpRequest) -> HttpResponse:
    """The studies in the trash that this person could restore. They are named by UID alone: nothing is opened."""
    return render(request, "browser/trashed.html", {"rows": removal.trashed(actor_of(request))})


@require_POST
def restore(request: HttpRequest, study_uid: str) -> HttpResponse:
    """Show a study again to whom it was shown before."""
    removal.restore(actor_of(request), study_uid)
    return redirect("browser:trashed")


@require_http_methods(["GET", "HEAD", "POST"])
def holds(request: HttpRequest) -> HttpResponse:
    """GET: the legal holds. POST: hold a study, for a reason."""
    actor = actor_of(request)
    if request.method == "POST":
        removal.hold(actor, request.POST.get("study", "").strip()[:64], request.POST.get("reason", ""))
        return redirect("browser:holds")
    return render(request, "browser/holds.html", {"rows": removal.holds(actor)})


@require_POST
def release(request: HttpRequest, study_uid: str) -> HttpResponse:
    """End a legal hold."""
    removal.release(actor_of(request), study_uid)
    return redirect("browser:holds")
