"""Destroying a study for ever: what it takes along, the keeper's word, how far it is, certificates."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import approvals, gate
from accounts.actors import Actor
from accounts.errors import Unacceptable
from archive import destruction, endings, hastening
from archive.browser import problems
from archive.browser.answers import tagged
from archive.browser.entrance import actor_of
from archive.endings import Progress
from audit.actions import Action

CONFIRMING: Final = 6
"""How many of the last characters of a UID a keeper types, so that no click alone destroys."""

# Each step after the transaction: what holds once it is done, and what is known where it waits.
STEPS: Final[tuple[tuple[Promise, Promise], ...]] = (
    (
        _("The certificate lies at every anchor."),
        _("An anchor does not take the certificate. An alert names the place."),
    ),
    (
        _("The stored files are removed."),
        _("A stored file cannot be removed. Whoever runs the archive must look at the disk or the bucket."),
    ),
    (
        _("The files of the database hold nothing of the keys any more."),
        _(
            "The database still holds traces of the keys: somebody has been reading it for long, or the program does "
            "not own the table of keys (on PostgreSQL its owner gives: VACUUM FULL archive_studykey)."
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the list of steps; `now` is the one that is next."""

    words: Promise
    trouble: Promise
    done: bool
    now: bool


@require_safe
def doomed(request: HttpRequest) -> HttpResponse:
    """The studies in the trash, and from when on each may be destroyed."""
    rows = endings.doomed(actor_of(request))
    return render(request, "browser/doomed.html", {"rows": [(row, endings.state(row)) for row in rows]})


@require_http_methods(["GET", "HEAD", "POST"])
def destroy(request: HttpRequest, study_uid: str) -> HttpResponse:
    """GET: say what will happen. POST, with the end of its UID: destroy the study, or ask for it before its time."""
    actor, posted = actor_of(request), request.method == "POST"
    ending, end = endings.ending(actor, study_uid), study_uid[-CONFIRMING:]
    if posted and request.POST.get("end", "").strip() == end:
        if request.POST.get("at") == "once":
            return _hastened(actor, study_uid)
        return redirect("browser:certificate", destruction.begin(actor, study_uid))
    if not gate.fresh(actor, Action.DESTROYED):
        return problems.step_up(request)
    four_eyes = settings.PACS_FOUR_EYES
    context = {"ending": ending, "start": study_uid[: -len(end)], "end": end, "error": posted, "four_eyes": four_eyes}
    return render(request, "browser/destroy.html", context, status=400 if posted else 200)


def _hastened(actor: Actor, study_uid: str) -> HttpResponse:
    """Ask that a study be destroyed before its time, and lead to where that stands."""
    try:
        return redirect("accounts:approval", approvals.ask(actor, hastening.NAME, study_uid))
    except Unacceptable:
        return redirect("accounts:approvals")


@require_safe
def certificates(request: HttpRequest) -> HttpResponse:
    """The studies that were destroyed; those before the certificate of `?before=`."""
    rows = endings.certified(actor_of(request), _identifier(request.GET.get("before", "")))
    return render(request, "browser/certificates.html", {"rows": rows, "more": len(rows) == endings.MOST})


@require_http_methods(["GET", "HEAD", "POST"])
def certificate(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """GET: one certificate, and how far the destruction is. POST: let a destruction that has stopped go on."""
    actor = actor_of(request)
    row, statement, progress = endings.certificate(actor, identifier)
    if request.method == "POST":
        destruction.resume(actor, identifier)
        return redirect("browser:certificate", identifier)
    context = {"row": row, "statement": statement, "identifier": identifier, **_shown(progress)}
    return render(request, "browser/certificate.html", context)


@require_safe
def steps(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """How far a destruction is, for its page to ask again and again; 304 while nothing changes."""
    context = {"identifier": identifier, **_shown(endings.progress(actor_of(request), identifier))}
    return tagged(request, render(request, "browser/steps.html", context))


@require_safe
def note(request: HttpRequest, identifier: UUID) -> HttpResponse:
    """The certificate as text, to be kept and verified elsewhere."""
    text = endings.note(actor_of(request), identifier)
    headers = {"Content-Disposition": f'attachment; filename="certificate-{identifier}.txt"'}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


def _shown(progress: Progress) -> dict[str, object]:
    lines = [
        Step(words, trouble, number < progress.done or progress.state == "complete", number == progress.done)
        for number, (words, trouble) in enumerate(STEPS)
    ]
    return {"progress": progress, "steps": lines}


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
