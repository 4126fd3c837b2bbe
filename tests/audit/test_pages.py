"""What the privacy officer sees is what happened, and the looking is on record."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone, translation

from accounts.models import Person
from accounts.policy import NEEDS
from archive.browser import download
from audit import alerts, clock, journal, leases, log, rules, words
from audit.actions import Action, Outcome, Use
from audit.events import Event
from audit.models import Alert, AuditEvent
from audit.receipts import Receipt, Who
from tests.accounts.browsing import Browser
from tests.audit.conftest import STUDY
from tests.audit.planted import refused_inserts

pytestmark = [pytest.mark.usefixtures("installation")]
Actors = Callable[[Any], Any]
SERIES = f"{STUDY}.1"


def text(answer: HttpResponse) -> str:
    """The page's visible words, blanks folded."""
    without_choices = re.sub(r"<select.*?</select>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", without_choices).split())


@pytest.fixture
def officer(privacy_officer: Person) -> Browser:
    return Browser().sign_in(privacy_officer)


@pytest.fixture
def viewed(radiologist: Person, actor_of: Actors, monkeypatch: pytest.MonkeyPatch) -> Receipt:
    """The radiologist viewed a study of 150 images: ten were displayed, in two leases, and three prefetched."""
    monkeypatch.setattr("audit.views.sizes.images", lambda uids: dict.fromkeys(uids, 150))
    who = actor_of(radiologist).who
    receipt = leases.view(who, STUDY, "care", "ab" * 16)
    for number in range(1, 8):
        journal.delivered(receipt, Use.DISPLAYED, SERIES, f"1.2.3.{number}", [1], 1000)
    journal.settle()
    monkeypatch.setattr(clock, "now", lambda: receipt.until)
    monkeypatch.setattr(clock, "read", lambda: receipt.until)
    later = leases.view(who, STUDY, "care", "ab" * 16)
    assert later.lease != receipt.lease
    for number in range(5, 11):
        journal.delivered(later, Use.DISPLAYED, SERIES, f"1.2.3.{number}", [1, 2, 3, 7], 1000)
    for number in range(20, 23):
        journal.delivered(later, Use.PREFETCHED, SERIES, f"1.2.3.{number}", (), 1000)
    journal.settle()
    monkeypatch.undo()
    monkeypatch.setattr("audit.views.sizes.images", lambda uids: dict.fromkeys(uids, 150))
    return receipt


def test_one_sitting_is_one_line_with_what_left_in_fact(officer: Browser, viewed: Receipt) -> None:
    page = text(officer.open("/record/"))
    assert page.count("viewed") == 1
    assert "viewed: 10 of 150 images displayed, 3 prefetched" in page
    assert "radiologist" in page
    assert "127.0.0.1" in page
    assert viewed.who.session[:8] in page


def test_the_sittings_page_lists_exactly_what_left(officer: Browser, viewed: Receipt) -> None:
    answer = officer.open(f"/record/sittings/{viewed.sitting}/")
    page = text(answer)
    shown = re.findall(r"1\.2\.3\.(\d+)", page)
    assert sorted(map(int, shown)) == [*range(1, 11), 20, 21, 22]
    assert "1-3, 7" in page
    assert page.count("prefetched") == 4
    assert page.count("whole") == 3
    assert "ab" * 16 in page


def test_deliveries_not_yet_in_the_log_are_fetched_first(officer: Browser, viewed: Receipt) -> None:
    journal.delivered(viewed, Use.DISPLAYED, SERIES, "1.2.3.99", [1], 10)
    assert "1.2.3.99" in text(officer.open(f"/record/sittings/{viewed.sitting}/"))


def test_every_reading_is_on_record_with_what_was_asked(officer: Browser, viewed: Receipt) -> None:
    officer.open(f"/record/?study={STUDY}&kind=views")
    officer.open(f"/record/sittings/{viewed.sitting}/")
    officer.open("/record/events/1/1/")
    read = AuditEvent.objects.filter(action=Action.LOG_READ).order_by("seq")
    assert [(log.open_details(row) or {})["page"] for row in read] == ["record", "sitting", "event"]
    assert log.open_details(read[0]) == {"page": "record", "study": STUDY, "kind": "views"}
    assert [row.study_uid for row in read[:2]] == [STUDY, STUDY]
    assert {row.actor_name for row in read} == {"privacy"}


def test_while_the_log_refuses_nobody_reads_it(officer: Browser, viewed: Receipt) -> None:
    with refused_inserts():
        for path in ("/record/", f"/record/sittings/{viewed.sitting}/", "/record/events/1/1/"):
            answer = officer.open(path)
            assert answer.status_code == 503
            assert STUDY not in text(answer)


@pytest.mark.parametrize("path", ["/record/", "/record/events/1/1/", "/record/sittings/{}/"])
def test_others_may_not_read_it_and_that_is_on_record(radiologist: Person, viewed: Receipt, path: str) -> None:
    browser = Browser().sign_in(radiologist)
    assert browser.open(path.format(viewed.sitting)).status_code == 403
    assert AuditEvent.objects.get(action=Action.LOG_READ).outcome == Outcome.DENIED
    assert Browser().open(path.format(viewed.sitting)).status_code == 302


def test_denials_are_shown_and_found(officer: Browser, viewed: Receipt) -> None:
    stranger = Who("person", "person:x", "olga", "clinician", "10.0.0.9")
    log.commit([Event(Action.VIEW, Outcome.DENIED, stranger, study_uid="1.9.9")])
    page = text(officer.open("/record/?kind=refusals"))
    assert "olga" in page
    assert "attempt (viewed)" in page
    assert "denied" in page
    assert "10 of 150" not in page
    assert "1.9.9" not in text(officer.open("/record/?kind=views&person=radiologist"))


def test_filters_by_person_study_and_day_find_what_they_name(officer: Browser, viewed: Receipt) -> None:
    today = timezone.localdate().isoformat()
    for query, found in {
        "person=radiologist&kind=views": True,
        "person=RADIOLOGIST&kind=views": True,
        "person=outsider&kind=views": False,
        f"study={STUDY}&kind=views": True,
        "study=1.9": False,
        f"from={today}&to={today}&kind=views": True,
        "to=2020-01-01": False,
        "from=nonsense&kind=views": True,
        "kind=arrivals": False,
    }.items():
        page = text(officer.open(f"/record/?{query}"))
        assert ("10 of 150" in page) is found, query


def test_pages_turn_by_keyset_and_show_everything_once(officer: Browser) -> None:
    who = Who("device", "device:x", "CT_NINE", "", "10.0.0.9", "CT_NINE")
    log.commit([Event(Action.STORE, Outcome.OK, who, study_uid=f"1.2.{number}.9") for number in range(120)])
    seen: list[str] = []
    path = "/record/?person=CT_NINE"
    for _ in range(3):
        answer = officer.open(path)
        seen += re.findall(r"1\.2\.\d+\.9(?=</a></td>)", answer.content.decode())
        log.commit([Event(Action.STORE, Outcome.OK, who, study_uid="1.2.999.9")])
        older = re.search(r"older=([\d.]+)", answer.content.decode())
        path = f"/record/?person=CT_NINE&older={older[1]}" if older else ""
    assert seen == [f"1.2.{number}.9" for number in range(119, -1, -1)]
    assert path == ""


def test_the_filters_in_force_are_shown_and_each_can_be_taken_away(officer: Browser, viewed: Receipt) -> None:
    page = officer.open("/record/?person=nobody-here&outcome=denied&from=2026-01-02").content.decode()
    chips = re.findall(r'class="chip" href="/record/\?([^"]*)"', page)
    assert [chip.replace("&amp;", "&") for chip in chips] == [
        "outcome=denied&from=2026-01-02",
        "person=nobody-here&from=2026-01-02",
        "person=nobody-here&outcome=denied",
    ]


@pytest.mark.parametrize("way", ["person", "study", "address", "patient"])
def test_one_click_leads_from_a_row_to_all_of_its_kind(officer: Browser, viewed: Receipt, way: str) -> None:
    rows = officer.open("/record/?kind=views").content.decode()
    ways = {"patient": r'href="(/record/patients/[0-9a-f]{32}/)"'}
    link = re.search(ways.get(way, rf'href="(/record/\?{way}=[^"]+)"'), rows)
    assert link is not None
    assert "viewed" in text(officer.open(link[1])) or way == "patient"


@pytest.mark.parametrize(
    "asked", ["patient=x", "sitting=1", "action=none", "outcome=bad", "kind=z", "from=x", "older=9.x"]
)
def test_what_is_no_filter_is_none(officer: Browser, viewed: Receipt, asked: str) -> None:
    page = officer.open(f"/record/?{asked}")
    assert page.status_code == 200
    assert 'class="chip"' not in page.content.decode()


def test_a_search_shows_the_studies_it_listed(officer: Browser, radiologist: Person, actor_of: Actors) -> None:
    event = Event(
        Action.SEARCH,
        Outcome.OK,
        actor_of(radiologist).who,
        listed=("1.7.1", "1.7.2"),
        count=2,
        details={"modality": "CT"},
    )
    log.commit([event])
    row = AuditEvent.objects.get(id=event.id)
    page = text(officer.open(f"/record/events/{row.log}/{row.seq}/"))
    assert "1.7.1" in page
    assert "1.7.2" in page
    assert "modality CT" in page
    assert "searched: 2 studies shown" in text(officer.open("/record/?study=1.7.2"))
    assert "searched" not in text(officer.open("/record/?study=1.7.3"))


def test_what_came_from_the_wire_is_escaped(officer: Browser) -> None:
    who = Who("nobody", "nobody:-", "<script>x</script>", address="10.0.0.9")
    log.refused(Action.REFUSED, who, {"refused": "<img src=x>"})
    content = officer.open("/record/").content.decode()
    assert "<script>x" not in content
    assert "&lt;script&gt;x" in content


def test_unknown_sittings_and_events_are_not_found(officer: Browser) -> None:
    assert officer.open("/record/sittings/00000000-0000-4000-8000-000000000000/").status_code == 404
    assert officer.open("/record/events/1/999999/").status_code == 404
    assert officer.open("/record/?older=x.y").status_code == 200


def test_alerts_are_listed_and_marked_as_seen_by_name(officer: Browser, radiologist: Person) -> None:
    alerts.raise_("anchor", "/srv/anchors", "A checkpoint could not be copied there.")
    assert "/srv/anchors" in text(officer.open("/record/alerts/"))
    alert = Alert.objects.get()
    assert Browser().sign_in(radiologist).send(f"/record/alerts/{alert.id}/seen/").status_code == 403
    assert officer.send(f"/record/alerts/{alert.id}/seen/").status_code == 302
    alert.refresh_from_db()
    assert alert.seen_by == "privacy"
    row = AuditEvent.objects.filter(action=Action.ALERT_CHANGED).latest("seq")
    assert log.open_details(row) == {"subject": f"alert:{alert.id}", "act": "seen", "changed": True}
    alerts.raise_("anchor", "/srv/anchors", "It happened again.")
    assert Alert.objects.count() == 2


def test_ten_denials_within_five_minutes_raise_one_alert(who: Who, event: Callable[..., Event]) -> None:
    for _ in range(9):
        log.commit([event(outcome=Outcome.DENIED)])
    assert not Alert.objects.exists()
    for _ in range(6):
        log.commit([event(outcome=Outcome.DENIED)])
    found = Alert.objects.get()
    assert (found.kind, found.subject, found.times) == ("denials", "person weber", 6)


def test_every_purpose_of_a_copy_and_of_the_archives_own_work_has_words() -> None:
    offered = {value for value, _ in download.PURPOSES}
    assert set(words.PURPOSES) == offered | given("purpose") | {"care"}


def test_every_kind_of_alert_has_words() -> None:
    assert set(rules.RULES) == given("alert") | {kind for kind, _ in rules.ALARMING.values()}


def given(what: str) -> set[str]:
    """The purposes or the kinds of alert that the program's own sources name."""
    naming = {"purpose": r'\bpurpose="([a-z-]+)"', "alert": r'\b(?:raise_|remind)\(\s*"([a-z-]+)"'}[what]
    places = [
        path for room in ("audit", "accounts", "archive") for path in (Path(settings.BASE_DIR) / room).rglob("*.py")
    ]
    return {name for path in places for name in re.findall(naming, path.read_text(encoding="utf-8"))}


def test_who_reads_french_reads_the_record_in_french(
    officer: Browser, viewed: Receipt, privacy_officer: Person
) -> None:
    alerts.raise_("anchor", "/srv/anchors", "A checkpoint could not be copied there.")
    alerts.raise_("from-the-future", "x", "Something new.")
    officer.send("/me/", language="fr", theme="light")
    for path in ("/record/", f"/record/sittings/{viewed.sitting}/"):
        page = text(officer.open(path))
        assert "consultation : 10 sur 150 images à l’écran, 3 par anticipation" in page
        assert "soins" in page
        assert "care" not in page
    page = text(officer.open("/record/alerts/"))
    assert "Un ancrage est en échec" in page
    assert "from-the-future" in page


def test_every_kind_of_event_has_words_and_a_place_in_the_filter() -> None:
    assert set(words.ACTIONS) == set(Action)
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.USES) == set(Use)
    filtered = {action for _, actions in words.KINDS.values() for action in actions}
    left = {Action.DELIVERED, Action.ASSOCIATION, Action.ECHO, Action.REFUSED, Action.PAGE}
    left |= {Action.SETTING_CHANGED, Action.STARTED, Action.STOPPED, Action.DERIVED}
    assert filtered == set(Action) - left
    assert Action.LOG_READ in NEEDS
    with translation.override("en"):
        assert words.action("study:from-the-future") == "study:from-the-future"
