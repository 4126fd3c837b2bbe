"""Who saw one patient, for the privacy officer, and what one viewed oneself: each is on record before it leaves."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import gate
from accounts.actors import NOBODY, Actor
from accounts.errors import NotVisible
from accounts.models import Token
from archive import sizes
from archive.query import patients
from audit import aliases, journal, log, patient_report, report_pdf, timeline
from audit.actions import Action, Outcome
from audit.events import Event
from audit.filters import Filters, day, hexadecimal
from audit.patient_report import Report

LONGEST = 64
SHOWN = 100
"""Lines of each person on the page, whose cost grows with them; all are in the signed PDF."""


@require_http_methods(["GET", "HEAD", "POST"])
def seek(request: HttpRequest) -> HttpResponse:
    """POST: the patients of a name, number or pseudonym, those of several pseudonyms as one. No name in an address."""
    actor = _permitted(request, Action.PATIENT_REPORT)
    wanted = request.POST.get("wanted", "").strip()[:LONGEST]
    context: dict[str, Any] = {"wanted": wanted}
    if hexadecimal(wanted):
        context["pseudonym"] = wanted
    elif wanted:
        found = patients.find(actor, wanted)
        persons: dict[str, list[patients.PatientRow]] = {}
        for row in found.rows:
            persons.setdefault(min(aliases.all_of(row.pseudonym)), []).append(row)
        context |= {"persons": persons.items(), "more": found.more, "asked": True}
    return render(request, "audit/patients.html", context)


@require_GET
def report(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Who saw, who searched, who was refused: one patient, folded per person."""
    actor = _permitted(request, Action.PATIENT_REPORT)
    made = _read(pseudonym, request.GET, SHOWN)
    _note(actor, Action.PATIENT_REPORT, made, {"page": "patient"})
    return render(
        request, "audit/patient.html", {"report": made, "pseudonym": pseudonym, "most": patient_report.MOST_ROWS}
    )


@require_POST
def download(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """The report as a PDF with its signed note; its making is durable before the first byte."""
    actor = _permitted(request, Action.LOG_EXPORTED)
    made = _read(pseudonym, request.POST)
    document = report_pdf.pdf(made, timezone.localtime(), actor.name)
    note = report_pdf.signed_note(document)
    _note(actor, Action.LOG_EXPORTED, made, {"page": "patient", "note": note})
    headers = {
        "Content-Disposition": f'attachment; filename="report-{pseudonym}.zip"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(report_pdf.bundle(document, note), content_type="application/zip", headers=headers)


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """What the reader viewed, newest first; nobody else's."""
    actor = _permitted(request, Action.OWN_READ)
    if actor.kind != "person":
        raise NotVisible
    tokens = Token.objects.filter(person_id=actor.id).values_list("id", flat=True)
    own = Filters(kind="views", actor_keys=frozenset({actor.key, *(f"token:{one}" for one in tokens)}))
    page = timeline.read(own, request.GET.get("older", ""), sizes.images)
    log.commit([Event(Action.OWN_READ, Outcome.OK, actor.who, count=len(page.entries))])
    return render(request, "audit/mine.html", {"page": page, "turned": request.GET.get("older")})


def _permitted(request: HttpRequest, action: Action) -> Actor:
    actor = cast("Actor", getattr(request, "actor", NOBODY))
    gate.permit(actor, action)
    return actor


def _read(pseudonym: str, asked: Any, shown: int | None = None) -> Report:
    """The report for the days asked. Raises NotVisible for what is no pseudonym."""
    if not hexadecimal(pseudonym):
        raise NotVisible
    journal.settle()
    days = Filters(first_day=day(asked.get("from", "")), last_day=day(asked.get("to", "")))
    return patient_report.read(pseudonym, days, patients.studies_of, sizes.images, shown=shown)


def _note(actor: Actor, action: Action, made: Report, told: dict[str, Any]) -> None:
    """Record the reading before a line of it leaves. Raises LogUnavailable."""
    count = made.saw.count + made.searched.count + made.refused.count
    details = {**told, "pseudonyms": list(made.pseudonyms), **made.filters.given}
    log.commit([Event(action, Outcome.OK, actor.who, patient=made.pseudonyms[0], count=count, details=details)])
