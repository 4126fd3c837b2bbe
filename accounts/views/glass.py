"""What reviewers of emergency accesses read and decide."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import glass_reviews, glass_shares
from accounts.errors import Unacceptable
from accounts.views import asking
from accounts.views.sign_in import form
from audit.filters import day

DAYS = 30
MOST_DAYS = 366


@require_GET
def reviews(request: HttpRequest) -> HttpResponse:
    """List what waits for a review or, asked for, what had one."""
    reviewed = request.GET.get("state") == "reviewed"
    rows = glass_reviews.entries(asking.actor(request), reviewed=reviewed)
    return asking.page(request, "glass_reviews", {"rows": rows, "reviewed": reviewed})


@form
def review(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """GET: one emergency access with all that is known of it. POST: the verdict."""
    actor, error = asking.actor(request), None
    if request.method == "POST":
        try:
            glass_reviews.review(actor, identifier, asking.text(request, "verdict"), asking.text(request, "note"))
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:glass-reviews")
    context = {"case": glass_reviews.case(actor, identifier), "verdicts": glass_reviews.VERDICTS.items()}
    return asking.page(request, "glass_review", context, error)


@require_POST
def end(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """End an emergency access that is open."""
    glass_reviews.end(asking.actor(request), identifier)
    return redirect("accounts:glass-review", identifier)


@require_GET
def shares(request: HttpRequest) -> HttpResponse:
    """Show how often the glass is broken, by person and by group, over some days."""
    last = day(request.GET.get("to", "")) or timezone.localdate()
    first = day(request.GET.get("from", "")) or last - timedelta(days=DAYS)
    first = min(last, max(first, last - timedelta(days=MOST_DAYS)))
    found = glass_shares.read(asking.actor(request), first, last)
    return asking.page(request, "glass_shares", {"found": found, "first": first, "last": last})
