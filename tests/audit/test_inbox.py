"""The inbox says what happened and what to do, loses none of very many, and remembers who saw what."""

import html
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import Person
from archive.fixity import whose
from audit import alerts, inbox, log, rules
from audit.actions import Action, Outcome
from audit.events import Event
from audit.inbox import Filters
from audit.models import Alert, AuditEvent
from audit.receipts import Who
from tests.accounts.browsing import Browser
from tests.audit.conftest import STUDY
from tests.audit.test_pages import text

pytestmark = [pytest.mark.usefixtures("installation")]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def officer(privacy_officer: Person) -> Browser:
    return Browser().sign_in(privacy_officer)


def many(number: int, *, seen: bool = False, kind: str = "damaged") -> None:
    """Write alerts straight into the table, ten of each second."""
    Alert.objects.bulk_create(
        Alert(kind=kind, subject=f"{kind} {n} {seen}", message="x", seen_at=START if seen else None, seen_by="x" * seen)
        for n in range(number)
    )
    for n, alert in enumerate(Alert.objects.filter(kind=kind, seen_at__isnull=not seen)):
        Alert.objects.filter(id=alert.id).update(last_at=START + timedelta(seconds=n // 10))


def test_every_kind_says_what_happened_and_what_to_do_in_both_languages(officer: Browser) -> None:
    for kind in rules.RULES:
        alerts.raise_(kind, "x", "Some words of the program.")
    english = html.unescape(text(officer.open("/record/alerts/")))
    officer.send("/me/", language="fr", theme="dark")
    french = html.unescape(text(officer.open("/record/alerts/")))
    for rule in rules.RULES.values():
        for words in (rule.label, rule.happened, rule.advice):
            with translation.override("en"):
                assert " ".join(str(words).split()) in english
            with translation.override("fr"):
                assert " ".join(str(words).split()) in french


@pytest.mark.both_databases
@pytest.mark.parametrize("seen", [False, True])
def test_pages_turn_by_keyset_and_show_each_alert_once(seen: bool) -> None:
    many(120, seen=seen)
    many(30, seen=not seen)
    many(30, seen=seen, kind="denials")
    found: list[Any] = []
    older, pages = "", 0
    while pages == 0 or older:
        page = inbox.read(Filters(seen=seen, kind="damaged"), older, None)
        found += [entry.alert.id for entry in page.entries]
        older, pages = page.older, pages + 1
        # What comes in meanwhile stands before the first page and moves nothing behind it.
        alerts.raise_("damaged", f"new {pages}", "x")
    expected = Alert.objects.filter(kind="damaged", seen_at__isnull=not seen, subject__startswith="damaged")
    assert (pages, len(found)) == (3, 120)
    assert set(found) == set(expected.values_list("id", flat=True))


def test_days_and_kinds_find_what_they_name_and_nonsense_finds_the_first_page(officer: Browser) -> None:
    many(3)
    alerts.raise_("anchor", "/srv/anchors", "x")
    for query, shown in {
        "": {"damaged", "/srv"},
        "kind=damaged": {"damaged"},
        "kind=anchor": {"/srv"},
        "kind=nonsense": {"damaged", "/srv"},
        "from=2026-01-01&to=2026-01-01": {"damaged"},
        "from=nonsense": {"damaged", "/srv"},
        "older=x.y": {"damaged", "/srv"},
        "older=99999999999999999999999.00000000-0000-4000-8000-000000000000": {"damaged", "/srv"},
        "state=seen": set(),
    }.items():
        page = officer.open(f"/record/alerts/?{query}").content.decode()
        assert {
            word for word in ("damaged", "/srv") if f"{word}" in "".join(re.findall(r'class="mono">(.*?)</p>', page))
        } == shown


def test_several_are_seen_by_one_act_with_a_note_that_only_the_record_holds(officer: Browser) -> None:
    for number in range(3):
        alerts.raise_("anchor", f"place {number}", "x")
    first, second, third = Alert.objects.order_by("subject")
    answer = officer.send(
        "/record/alerts/seen/", alert=[str(first.id), str(second.id), "nonsense"], note="disk changed"
    )
    assert answer.status_code == 302
    assert set(Alert.objects.filter(seen_at=None)) == {third}
    row = AuditEvent.objects.get(action=Action.ALERT_CHANGED)
    told = log.open_details(row) or {}
    assert (told["act"], told["changed"], told["note"]) == ("seen", 2, "disk changed")
    assert set(told["alerts"]) == {str(first.id), str(second.id)}
    page = text(officer.open("/record/alerts/?state=seen"))
    assert page.count("disk changed") == 2
    assert "seen by privacy" in page
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_alert")
        assert "disk changed" not in str(cursor.fetchall())


def test_a_whole_page_is_seen_at_once_and_no_more_than_a_page(officer: Browser) -> None:
    many(120)
    shown = re.findall(r'name="shown" value="([^"]+)"', officer.open("/record/alerts/").content.decode())
    assert len(shown) == inbox.ROWS
    everything = [str(one) for one in Alert.objects.values_list("id", flat=True)]
    officer.send("/record/alerts/seen/", shown=shown, alert=everything[:1], all="1")
    assert Alert.objects.filter(seen_at=None).count() == 70
    officer.send("/record/alerts/seen/", alert=everything)
    assert Alert.objects.filter(seen_at=None).count() >= 20


def test_who_may_not_see_alerts_marks_none(radiologist: Person) -> None:
    alerts.raise_("anchor", "x", "y")
    alert = Alert.objects.get()
    assert Browser().sign_in(radiologist).send("/record/alerts/seen/", alert=[str(alert.id)]).status_code == 403
    alert.refresh_from_db()
    assert alert.seen_at is None


def test_an_alert_leads_to_what_it_is_about(officer: Browser, administrator: Person) -> None:
    stranger = Who("nobody", "nobody:-", "-", address="10.9.8.7")
    log.commit([Event(Action.REFUSED, Outcome.DENIED, stranger)])
    for kind, subject, href in (
        ("foreign-sender", STUDY, f"/record/?study={STUDY}"),
        ("break-glass", f"{STUDY} olga weber", f"/record/?study={STUDY}"),
        ("denials", "person weber", "/record/?person=weber&amp;kind=refusals"),
        ("denials", "nobody 10.9.8.7", "/record/?address=10.9.8.7&amp;kind=refusals"),
        ("denials", "nobody many addresses", "/record/?kind=refusals"),
        ("recovery-code-used", "radiologist", "/record/?person=radiologist"),
        ("tampering", "custos/x", "/record/health/"),
        ("damaged", str(uuid4()), "/record/?kind=care"),
    ):
        Alert.objects.all().delete()
        alerts.raise_(kind, subject, "x")
        page = officer.open("/record/alerts/").content.decode()
        assert f'<a href="{href}">' in page
        assert officer.open(href.replace("&amp;", "&")).status_code == 200
        # Who may not read the record gets no link into it.
        assert 'href="/record/?' not in Browser().sign_in(administrator).open("/record/alerts/").content.decode()
    assert "10.9.8.7" in text(officer.open("/record/?kind=refusals&person=10.9.8.7"))
    assert "10.9.8.7" not in text(officer.open("/record/?kind=refusals&person=10.9.8.8"))


def test_the_navigation_counts_what_is_open_for_whoever_may_see_it(officer: Browser, radiologist: Person) -> None:
    def count(browser: Browser, path: str) -> list[str]:
        return re.findall(r'badge bad count"[^>]*>([^<]*)<', browser.open(path).content.decode())

    assert count(officer, "/record/") == []
    many(7)
    assert count(officer, "/record/") == ["7"]
    assert count(Browser().sign_in(radiologist), "/me/") == []
    many(120, kind="denials")
    assert count(officer, "/me/") == ["99+"]


def test_a_flood_of_others_does_not_bury_what_is_grave(officer: Browser) -> None:
    alerts.raise_("tampering", "custos/x", "row 3 was edited")
    many(60, kind="denials")
    Alert.objects.filter(kind="tampering").update(last_at=START - timedelta(days=1))
    page = officer.open("/record/alerts/").content.decode()
    assert "row 3 was edited" not in page
    assert '<a href="/record/alerts/?kind=tampering">' in page
    assert "row 3 was edited" in officer.open("/record/alerts/?kind=tampering").content.decode()
    Alert.objects.filter(kind="tampering").update(seen_at=START)
    assert "?kind=tampering" not in officer.open("/record/alerts/").content.decode()


def test_words_of_strangers_are_escaped(officer: Browser) -> None:
    alerts.raise_("foreign-sender", "<b>x", "<script>x</script>")
    content = officer.open("/record/alerts/").content.decode()
    assert "<script>x" not in content
    assert "<b>x" not in content


_MANY = (
    "INSERT INTO audit_alert (id, kind, subject, message, raised_at, last_at, times, seen_by, seen_at) "
    "SELECT gen_random_uuid(), (ARRAY['damaged','denials','anchor'])[1 + n % 3], n::text, 'x', now(), "
    "now() - n * interval '1 second', 1, '', CASE WHEN n % 100 = 0 THEN now() END FROM generate_series(1, 1000000) n"
)


@pytest.mark.postgres
def test_a_million_alerts_are_turned_over_by_their_indexes() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MANY)
        cursor.execute("ANALYZE audit_alert")
    oldest = Alert.objects.filter(seen_at=None).order_by("last_at")[200]
    deep = f"{round(oldest.last_at.timestamp() * 1_000_000)}.{oldest.id}"
    asked: list[Callable[[], Any]] = [
        lambda: inbox.read(Filters(), "", whose.studies),
        lambda: inbox.read(Filters(), deep, whose.studies),
        lambda: inbox.read(Filters(seen=True), deep, whose.studies),
        lambda: inbox.read(Filters(kind="anchor"), deep, whose.studies),
        lambda: inbox.read(Filters(kind="anchor", seen=True), "", whose.studies),
        inbox.open_count,
    ]
    with CaptureQueriesContext(connection) as questions:
        for ask in asked:
            ask()
    # A count that stops at a hundred may read the first it meets; a page may not.
    statements = [one["sql"] for one in questions if 'FROM "audit_alert"' in one["sql"] and "ORDER BY" in one["sql"]]
    assert len(statements) == len(asked) - 1
    for statement in statements:
        plan = explained(statement)
        assert "Seq Scan on audit_alert" not in plan, plan
        assert "Sort" not in plan, plan
    began = time.perf_counter()
    for ask in asked:
        ask()
    assert time.perf_counter() - began < 1


def explained(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())
