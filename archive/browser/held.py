"""Images that came under a known SOP Instance UID with other content: what differs, and which shall be shown."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from archive import query, reconcile
from archive.browser.entrance import actor_of


@require_safe
def held(request: HttpRequest, study_uid: str) -> HttpResponse:
    """List what is held back for this study; the one chosen by `?one=` (an id of ours) with its difference."""
    actor = actor_of(request)
    rows = reconcile.held(actor, study_uid)
    chosen = next((row for row in rows if str(row.id) == request.GET.get("one")), rows[0] if rows else None)
    difference = reconcile.difference(actor, chosen.id) if chosen else None
    context = {"study": query.study(actor, study_uid), "rows": rows, "chosen": chosen, "difference": difference}
    return render(request, "browser/held.html", context)


@require_POST
def accept(request: HttpRequest, study_uid: str, held_id: UUID) -> HttpResponse:
    """Show the newcomer from now on; the original stays and is not lost."""
    reconcile.accept(actor_of(request), held_id)
    return redirect("browser:held", study_uid)


@require_POST
def reject(request: HttpRequest, study_uid: str, held_id: UUID) -> HttpResponse:
    """Keep showing the original."""
    reconcile.reject(actor_of(request), held_id)
    return redirect("browser:held", study_uid)
