"""The study list: found by POST so that no name stands in a URL, paged by keyset, alive while studies arrive."""

import re
from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from archive import arrivals, query
from archive.browser.answers import tagged
from archive.browser.entrance import actor_of
from archive.browser.filters import MODALITIES, ROWS, Filters

ARRIVED_PAGE: Final = "browser/recent.html"
_UID: Final = re.compile(r"[0-9.]{1,64}")
_SECONDS: Final = re.compile(r"[0-9]{1,10}")


@require_http_methods(["GET", "HEAD", "POST"])
def studies(request: HttpRequest) -> HttpResponse:
    """GET: the newest studies. POST: what the filters ask; a fragment for htmx, else the whole page."""
    filters, now = Filters.of(request.POST), timezone.now()
    found = query.studies(actor_of(request), filters.criteria, filters.page)
    context = {
        "filters": filters,
        "trail": " ".join(filters.trail),
        "found": found,
        "modalities": MODALITIES,
        "now": now,
    }
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "browser/list.html" if fragment else "browser/studies.html", context)


@require_GET
def recent(request: HttpRequest) -> HttpResponse:
    """The states of what is arriving, for the rows that a list shows and names here; 304 while nothing changes.

    `uid` names a row, at most as many as a page has; `since` asks whether others came after that second.
    """
    actor, since = actor_of(request), _moment(request.GET.get("since", ""))
    shown = [uid for uid in request.GET.getlist("uid")[:ROWS] if _UID.fullmatch(uid)]
    context = {
        "arrivals": arrivals.recent(actor, shown),
        "newer": since is not None and arrivals.others_since(actor, since, shown),
        "now": timezone.now(),
    }
    return tagged(request, render(request, ARRIVED_PAGE, context))


def _moment(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if _SECONDS.fullmatch(seconds) else None
