"""The report on a patient as a PDF, and the signed note that says the installation made it.

The same report and moment give the same bytes. Everything that is written comes as text, never as mark-up.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.utils.translation import gettext as _
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from audit import checkpoints, report_fonts
from audit.patient_report import MOST_ROWS, Part, Report
from audit.timeline import Entry
from keystore import keys
from vault import notes

FIRST_LINE = "custos-patient-report"
"""Begins the text that is signed: no checkpoint can be taken for it, nor it for a checkpoint."""

_SMALL = ParagraphStyle("small", fontName=report_fonts.REGULAR, fontSize=7.5, leading=10, wordWrap="CJK")
_CELL = ParagraphStyle("cell", parent=_SMALL, fontSize=7, leading=9)
_HEADING = ParagraphStyle("heading", fontName=report_fonts.BOLD, fontSize=11, leading=15, spaceBefore=12, spaceAfter=4)
_TITLE = ParagraphStyle("title", fontName=report_fonts.BOLD, fontSize=16, leading=22, spaceAfter=6)
_COLUMN = ParagraphStyle("column", parent=_CELL, fontName=report_fonts.BOLD)
_MARGIN = 40
_ROOM_BELOW_A_HEADING = 90
_WIDTHS = (128, 112, 88, 92, 182, 159)
_GRID = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
        ("LINEBELOW", (0, 0), (-1, 0), 0.75, colors.grey),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
)


def pdf(report: Report, made_at: datetime, maker: str) -> bytes:
    """The report in the language now active; `maker` is who asked for it."""
    report_fonts.register()
    told = BytesIO()
    title = _("Who saw this patient")
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN)
    paper = SimpleDocTemplate(told, pagesize=landscape(A4), title=title, invariant=1, **margins)
    flow = [*_head(report, title, made_at, maker), *_parts(report), *_foot(report)]
    paper.build(flow, onFirstPage=_page_number, onLaterPages=_page_number)
    return told.getvalue()


def signed_note(document: bytes) -> str:
    """A C2SP signed note over the SHA-256 of a document, by the key that signs the log."""
    text = f"{FIRST_LINE}\nsha256 {sha256(document).hexdigest()}\n"
    return notes.sign_note(checkpoints.origin(1), keys.installation_key("signing").secret, text)


def bundle(document: bytes, note: str) -> bytes:
    """Document and note in one archive, so that neither is kept without the other; the same bytes each time."""
    told = BytesIO()
    with ZipFile(told, "w", ZIP_DEFLATED) as files:
        for name, content in (("report.pdf", document), ("report.pdf.note", note.encode())):
            files.writestr(ZipInfo(name), content)
    return told.getvalue()


def _page_number(canvas: Canvas, paper: BaseDocTemplate) -> None:
    canvas.setFont(report_fonts.REGULAR, 7)
    canvas.drawRightString(landscape(A4)[0] - _MARGIN, _MARGIN / 2, _("Page %(number)s") % {"number": paper.page})


def _said(text: str, style: ParagraphStyle = _SMALL) -> Paragraph:
    return Paragraph(report_fonts.marked(text), style)


def _head(report: Report, title: str, made_at: datetime, maker: str) -> Iterator[Flowable]:
    yield _said(title, _TITLE)
    names = ", ".join(report.pseudonyms)
    yield _said(_("Pseudonyms of the patient: %(names)s") % {"names": names})
    first, last = report.filters.first_day, report.filters.last_day
    days = {"from": first or "…", "to": last or "…"}
    yield _said(_("Days: %(from)s to %(to)s") % days if first or last else _("Days: all on record"))
    made = {"at": made_at.isoformat(timespec="seconds"), "by": maker}
    yield _said(_("Made at %(at)s by %(by)s. Times are those of the installation.") % made)
    yield _said(_("Images sent within the last thirty seconds before that may be missing."))
    if report.cut:
        words = _(
            "This report is cut: of each part the newest %(rows)s rows of the record are told, and older ones left."
        )
        yield _said(words % {"rows": MOST_ROWS}, _HEADING)


def _parts(report: Report) -> Iterator[Flowable]:
    for heading, part in (
        (_("Who saw"), report.saw),
        (_("Who searched"), report.searched),
        (_("Who was refused"), report.refused),
    ):
        yield CondPageBreak(_ROOM_BELOW_A_HEADING)
        yield _said(f"{heading} ({part.count})", _HEADING)
        yield _table(part) if part.people else _said(_("Nothing on record."))


def _table(part: Part) -> Flowable:
    headings = (_("Time"), _("Who"), _("From where"), _("Purpose"), _("What"), _("Study"))
    rows = [[_said(heading, _COLUMN) for heading in headings]]
    rows += [_row(entry) for one in part.people for entry in one.entries]
    return LongTable(rows, colWidths=_WIDTHS, repeatRows=1, style=_GRID)


def _row(entry: Entry) -> list[Paragraph]:
    event = entry.event
    until = f" – {entry.until:%H:%M:%S}" if entry.until else ""
    place = " ".join(filter(None, (event.actor_address, event.actor_ae_title)))
    cells = (
        f"{entry.at:%Y-%m-%d %H:%M:%S}{until}",
        event.actor_name,
        place,
        entry.purpose,
        f"{entry.words} ({entry.outcome}) [{event.log}/{event.seq}]",
        event.study_uid,
    )
    return [_said(cell, _CELL) for cell in cells]


def _foot(report: Report) -> Iterator[Flowable]:
    yield Spacer(1, 12)
    yield _said(_("What this rests on"), _HEADING)
    for one in report.basis:
        told = {"log": one.log, "first": one.first, "last": one.last, "signed": one.signed}
        yield _said(_("Log %(log)s, rows %(first)s to %(last)s; newest checkpoint: %(signed)s rows.") % told)
        if one.note:
            yield _said(one.note.strip())
