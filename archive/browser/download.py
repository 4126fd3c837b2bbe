"""Downloading a whole study: the purpose is asked, a fresh second factor is needed, one exact event is written."""

from typing import Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.doors import open_to_links
from archive import query, retrieve
from archive.browser.entrance import actor_of

# The purposes a person chooses from; the first word of each is what the record keeps.
PURPOSES: Final = (
    ("care", gettext_lazy("Care of this patient elsewhere")),
    ("second-opinion", gettext_lazy("Second opinion")),
    ("patient-request", gettext_lazy("The patient asked for a copy")),
    ("teaching", gettext_lazy("Teaching or research, approved")),
    ("legal", gettext_lazy("An authority or a court asked")),
    ("other", gettext_lazy("Another reason, written below")),
)
NEEDS_WORDS: Final = frozenset({"teaching", "legal", "other"})
LONGEST_WORDS: Final = 500


@open_to_links
@require_http_methods(["GET", "POST"])
def download(request: HttpRequest, study_uid: str) -> HttpResponseBase:
    """GET: ask for the purpose. POST: stream the study as a zip of DICOM files (stored, not compressed)."""
    if request.method == "GET":
        return _form(request, study_uid, "")
    purpose, words = request.POST.get("purpose", ""), request.POST.get("words", "").strip()[:LONGEST_WORDS]
    if purpose not in dict(PURPOSES):
        return _form(request, study_uid, _("Choose what the copy is for."))
    if purpose in NEEDS_WORDS and not words:
        return _form(request, study_uid, _("Say in a few words what the copy is for: who approved it, or who asked."))
    chunks = retrieve.archive(actor_of(request), study_uid, purpose, words)
    # The name says nothing about the patient: it ends up in histories, on desktops, in mails.
    headers = {"Content-Disposition": 'attachment; filename="study.zip"', "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(chunks, content_type="application/zip", headers=headers)


def _form(request: HttpRequest, study_uid: str, error: str) -> HttpResponse:
    row = query.study(actor_of(request), study_uid)
    chosen = {"purpose": request.POST.get("purpose", ""), "words": request.POST.get("words", "")[:LONGEST_WORDS]}
    context = {"study": row, "purposes": PURPOSES, "error": error, "chosen": chosen}
    return render(request, "browser/download.html", context, status=400 if error else 200)
