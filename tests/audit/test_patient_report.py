"""The report on a patient tells what happened to that patient, no more, to the privacy officer alone, and on record."""

import base64
import re
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Person
from audit import aliases, checkpoints, journal, leases, log, patient_report, patient_views, report_fonts, report_pdf
from audit.actions import Action, Outcome, Use
from audit.events import Event
from audit.filters import Filters
from audit.models import Alias, AuditEvent
from audit.receipts import Who
from tests.accounts.browsing import Browser
from tests.audit.planted import refused_inserts

pytestmark = [pytest.mark.usefixtures("installation"), pytest.mark.both_databases]
Actors = Callable[[Any], Any]
FIRST, SECOND, OTHER = "1a" * 16, "2b" * 16, "3c" * 16
STUDY, MERGED, OTHERS = "1.2.826.9.1", "1.2.826.9.2", "1.2.826.9.3"
STRANGER = Who("person", "person:s", "<script>=HYPERLINK(1)</script>", "clinician", "10.0.0.9")
PAGE = f"/record/patients/{FIRST}/"


@pytest.fixture
def officer(privacy_officer: Person) -> Browser:
    return Browser().sign_in(privacy_officer)


@pytest.fixture
def accesses(radiologist: Person, outsider: Person, actor_of: Actors) -> None:
    """Two people view, one downloads, one searches, one is refused, another patient is viewed; two names are one."""
    rosa, olga = actor_of(radiologist).who, actor_of(outsider).who
    receipt = leases.view(rosa, STUDY, "care", FIRST)
    for number in range(3):
        journal.delivered(receipt, Use.DISPLAYED, f"{STUDY}.1", f"{STUDY}.1.{number}", (), 1000)
    journal.settle()
    log.receipt(Event(Action.DOWNLOAD, Outcome.OK, olga, study_uid=MERGED, patient=SECOND, purpose="legal"), (MERGED,))
    log.commit(
        [
            Event(Action.SEARCH, Outcome.OK, rosa, listed=(OTHERS, STUDY), count=2),
            Event(Action.SEARCH, Outcome.OK, olga, listed=(OTHERS,), count=1),
            Event(Action.VIEW, Outcome.DENIED, STRANGER, study_uid=STUDY),
        ]
    )
    leases.view(olga, OTHERS, "care", OTHER)
    aliases.join(FIRST, SECOND, "merge")


def read(pseudonym: str = FIRST, filters: Filters | None = None) -> patient_report.Report:
    return patient_report.read(
        pseudonym, filters or Filters(), lambda _names, said: frozenset(said), lambda uids: dict.fromkeys(uids, 9)
    )


def ledger(part: patient_report.Part) -> list[tuple[str, str, str]]:
    lines = [entry for one in part.people for entry in one.entries]
    return [(entry.event.actor_name, entry.words, entry.event.study_uid) for entry in lines]


@pytest.mark.usefixtures("accesses")
def test_the_report_is_the_ledger_kept_by_hand_whichever_pseudonym_is_asked() -> None:
    for pseudonym in (FIRST, SECOND):
        report = read(pseudonym)
        assert ledger(report.saw) == [
            ("radiologist", "viewed: 3 of 9 images displayed", STUDY),
            ("outsider", "downloaded", MERGED),
        ]
        assert ledger(report.searched) == [("radiologist", "searched: 2 studies shown", "")]
        assert ledger(report.refused) == [(STRANGER.name, "attempt (viewed)", STUDY)]
        assert report.pseudonyms == (FIRST, SECOND)
        assert not report.cut
    assert ledger(read(OTHER).saw) == [("outsider", "viewed: no image sent yet", OTHERS)]


@pytest.mark.usefixtures("accesses")
def test_another_day_has_none_of_it_and_a_cut_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    past = timezone.localdate().replace(year=2020, day=1)
    report = read(filters=Filters(last_day=past))
    assert (report.saw.count, report.searched.count, report.refused.count) == (0, 0, 0)
    monkeypatch.setattr(patient_report, "MOST_ROWS", 1)
    assert read().saw.cut
    assert ledger(read().saw) == [("outsider", "downloaded", MERGED)]


@pytest.mark.usefixtures("accesses")
def test_a_page_tells_the_newest_lines_of_each_and_counts_all_and_the_pdf_has_all(
    officer: Browser, monkeypatch: pytest.MonkeyPatch, radiologist: Person, actor_of: Actors
) -> None:
    rosa = actor_of(radiologist).who
    for purpose in ("care", "teaching", "legal"):
        event = Event(Action.DOWNLOAD, Outcome.OK, rosa, study_uid=STUDY, patient=FIRST, purpose=purpose)
        log.receipt(event, (STUDY,))
    monkeypatch.setattr(patient_views, "SHOWN", 2)
    page = officer.open(PAGE).content.decode()
    assert "The newest 2 of 4 lines are shown here" in page
    assert page.count("of 1 lines") == 0
    assert ("teaching" in page.lower(), "legal" in page.lower()) == (True, True)
    assert "3 images displayed" not in page
    assert AuditEvent.objects.get(action=Action.PATIENT_REPORT).count == 7
    assert [one.count for one in read().saw.people] == [len(one.entries) for one in read().saw.people] == [4, 1]


def test_joins_of_joins_count_circles_end_and_none_is_taken_back() -> None:
    for one, other in ((FIRST, SECOND), (SECOND, OTHER), (OTHER, FIRST), (FIRST, FIRST)):
        aliases.join(one, other, "merge")
    assert aliases.all_of(OTHER) == aliases.all_of(FIRST) == {FIRST, SECOND, OTHER}
    assert aliases.all_of("4d" * 16) == {"4d" * 16}
    assert Alias.objects.count() == 2
    for change in (Alias.objects.all().delete, lambda: Alias.objects.update(same_as="")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.usefixtures("accesses")
def test_the_page_tells_it_without_mark_up_of_strangers_and_is_on_record(officer: Browser) -> None:
    page = officer.open(PAGE).content.decode()
    assert "3 images displayed" in page
    assert "<script>=" not in page
    assert "&lt;script&gt;=HYPERLINK" in page
    assert OTHERS not in page
    row = AuditEvent.objects.get(action=Action.PATIENT_REPORT)
    assert (row.patient, row.outcome) == (FIRST, Outcome.OK)


@pytest.mark.parametrize("name", ["radiologist", "outsider", "administrator"])
def test_nobody_else_reads_a_report_and_the_attempt_is_on_record(
    request: pytest.FixtureRequest, installation: object, name: str
) -> None:
    browser = Browser().sign_in(request.getfixturevalue(name))
    asked: tuple[Callable[[], HttpResponse], ...] = (
        lambda: browser.open("/record/patients/"),
        lambda: browser.send("/record/patients/", wanted="Dupont"),
        lambda: browser.open(PAGE),
        lambda: browser.send(f"{PAGE}report/"),
    )
    for number, ask in enumerate(asked, 1):
        assert ask().status_code == 403
        denied = AuditEvent.objects.filter(action__in=(Action.PATIENT_REPORT, Action.LOG_EXPORTED), outcome="denied")
        assert denied.count() == number


def unpacked(answer: HttpResponse) -> tuple[bytes, str]:
    with ZipFile(BytesIO(answer.content)) as files:
        return files.read("report.pdf"), files.read("report.pdf.note").decode()


def written(document: bytes) -> str:
    """The text operators of a PDF of ours, its streams unpacked."""
    streams = re.findall(rb"stream\r?\n([^\r\n]*~>)\s*endstream", document)
    return "".join(zlib.decompress(decoded(one)).decode("latin-1") for one in streams)


def decoded(stream: bytes) -> bytes:
    return base64.a85decode(b"<~" + stream.strip(), adobe=True)


def unpacked_streams(document: bytes) -> list[bytes]:
    """Every stream of a PDF of ours, fonts and their tables of letters too."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\s*endstream", document, re.DOTALL):
        packed = decoded(stream) if stream.rstrip().endswith(b"~>") else stream
        with suppress(zlib.error):
            packed = zlib.decompress(packed)
        found.append(packed)
    return found


def verified(folder: Path, document: bytes, note: str) -> int:
    (folder / "report.pdf").write_bytes(document)
    (folder / "report.pdf.note").write_text(note)
    tool = Path(settings.BASE_DIR) / "tools" / "verify_report.py"
    given = ["--key", checkpoints.verifier_key(), str(folder / "report.pdf"), str(folder / "report.pdf.note")]
    return subprocess.run([sys.executable, "-I", str(tool), *given], check=False, capture_output=True).returncode


@pytest.mark.usefixtures("accesses")
def test_the_pdf_is_signed_and_one_changed_byte_or_note_fails(officer: Browser, tmp_path: Path) -> None:
    checkpoints.sign_due(at_once=True)
    answer = officer.send(f"{PAGE}report/")
    assert answer["Cache-Control"] == "no-store"
    assert FIRST in answer["Content-Disposition"]
    document, note = unpacked(answer)
    assert document.startswith(b"%PDF-")
    assert verified(tmp_path, document, note) == 0
    assert verified(tmp_path, document[:-9] + b"x" + document[-8:], note) == 1
    assert verified(tmp_path, document, note.replace("sha256 ", "sha256  ")) == 1
    signature = note.rstrip().rpartition(" ")[2]
    forged = base64.b64encode(base64.b64decode(signature)[:-2] + b"00").decode()
    assert verified(tmp_path, document, note.replace(signature, forged)) == 1
    said = written(document)
    for told in (STUDY, MERGED, "10.0.0.9", "=HYPERLINK", "radiologist", "custos/"):
        assert told in said
    assert OTHERS not in said
    row = AuditEvent.objects.get(action=Action.LOG_EXPORTED)
    assert (row.patient, row.outcome) == (FIRST, Outcome.OK)


NAMES = {
    "Αθηνά Παπαδοπούλου": "Αθηνά Παπαδοπούλου",
    "Þórdís Ðæg": "Þórdís Ðæg",
    unicodedata.normalize("NFD", "Nguyễn Thị Ánh"): "Nguyễn Thị Ánh",
    "Иван Петров": "Иван Петров",
    "山田^太郎": '<font name="HeiseiKakuGo-W5">山田</font>^<font name="HeiseiKakuGo-W5">太郎</font>',
    "김철수": '<font name="HYGothic-Medium">김철수</font>',
    "邓小平": '<font name="STSong-Light">邓</font><font name="HeiseiKakuGo-W5">小平</font>',
    "محمد": "[U+0645][U+062D][U+0645][U+062F]",
    "two\nlines\t": "two<br/>lines[U+0009]",
    "<b>&amp;</b>": "&lt;b&gt;&amp;amp;&lt;/b&gt;",
}


@pytest.mark.parametrize("name", NAMES)
def test_every_letter_of_a_name_has_a_font_that_has_it_or_is_told_by_its_number(name: str) -> None:
    assert report_fonts.marked(name) == NAMES[name]


@pytest.mark.usefixtures("installation")
def test_the_letters_travel_within_the_pdf(officer: Browser) -> None:
    names = ("Ωμέγα", "Щука", "Ễ", "山田")
    for number, name in enumerate(names):
        leases.view(Who("person", f"person:{number}", name, address="10.0.0.1"), STUDY, "care", FIRST)
    document, _note = unpacked(officer.send(f"{PAGE}report/"))
    assert b"/FontFile2" in document
    assert b"/HeiseiKakuGo-W5" in document
    codes = b"".join(unpacked_streams(document)).upper()
    for letter in unicodedata.normalize("NFC", "".join(names[:3])):
        assert f"<{ord(letter):04X}>".encode() in codes, letter


@pytest.mark.usefixtures("accesses")
def test_the_same_report_and_moment_give_the_same_bytes() -> None:
    report, now = read(), timezone.now()
    assert report_pdf.pdf(report, now, "privacy") == report_pdf.pdf(report, now, "privacy")


@pytest.mark.usefixtures("accesses")
def test_nothing_leaves_when_the_record_cannot_be_written(officer: Browser) -> None:
    officer.open("/record/mine/")
    with refused_inserts():
        for answer in (officer.open(PAGE), officer.send(f"{PAGE}report/"), officer.open("/record/mine/")):
            assert answer.status_code == 503
            assert STUDY.encode() not in answer.content
            assert not answer.content.startswith(b"PK")


@pytest.mark.usefixtures("accesses")
def test_everybody_sees_the_own_views_and_nobody_elses(radiologist: Person) -> None:
    page = Browser().sign_in(radiologist).open("/record/mine/").content.decode()
    assert STUDY in page
    assert MERGED not in page
    assert OTHERS not in page
    assert AuditEvent.objects.filter(action=Action.OWN_READ, outcome="ok").count() == 1
