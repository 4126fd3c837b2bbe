"""While a screen is locked its session opens nothing, whoever holds the cookie; its person alone opens it again."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import epoch, gate, identify, locking, sessions
from accounts.errors import NotVisible
from accounts.models import Desk, Person, Session, TotpDevice
from accounts.sessions import SessionStore
from audit import log
from audit.actions import Action
from audit.models import AuditEvent
from tests.accounts.browsing import Browser, fresh_code
from tests.accounts.conftest import OURS
from tests.accounts.test_every_route import ROUTES, ask, path_of

pytestmark = pytest.mark.usefixtures("installation")

OPEN_TO_ALL = {"healthz", "readyz", "setup/", "shared/", "language/", "sign-in/"}
ALSO_OPEN = {"locked/", "me/lock/", "me/alive/", "sign-out/", "passkeys/ask/"}


def alive(browser: Browser, query: str = "") -> dict[str, Any]:
    answer = browser.open(f"/me/alive/{query}")
    return json.loads(answer.content) if answer.status_code == 200 else {"over": answer.status_code}


def works(browser: Browser) -> bool:
    return browser.open("/me/").status_code == 200


def locked(person: Person) -> Browser:
    browser = Browser().sign_in(person)
    assert browser.send("/me/lock/").status_code == 302
    return browser


def seen(minutes: float) -> None:
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=minutes))


def test_a_locked_session_opens_no_route_but_those_to_unlock_and_to_leave(radiologist: Person) -> None:
    browser = locked(radiologist)
    browser.handler.enforce_csrf_checks = False
    for route in ROUTES:
        if route in OPEN_TO_ALL | ALSO_OPEN or route.startswith("sign-in/"):
            continue
        for method in ("GET", "POST"):
            answer = ask(browser, method, path_of(route))
            away = answer.status_code == 302 and answer["Location"].startswith("/locked/")
            assert away or answer.status_code == 401, (method, route, answer.status_code)
    for route in ("sign-in/code/", "sign-in/enrol/", "sign-in/password/"):
        assert browser.open(f"/{route}")["Location"] == "/sign-in/"
    assert not works(browser)


def test_programs_and_fragments_hear_that_it_is_locked(radiologist: Person) -> None:
    browser = locked(radiologist)
    answer = browser.open("/dicom-web/studies")
    assert (answer.status_code, json.loads(answer.content)["detail"]) == (401, "This session is locked.")
    assert browser.open("/studies/", **{"HX-Request": "true"})["HX-Redirect"] == "/locked/"
    assert browser.open("/studies/")["Location"] == "/locked/?next=%2Fstudies%2F"


def test_the_code_of_its_person_opens_it_and_gives_it_another_key(radiologist: Person) -> None:
    """Whoever copied the cookie before or during the lock holds nothing afterwards."""
    browser = locked(radiologist)
    thief = Browser()
    thief.cookies["__Host-session"] = browser.session_key
    before = Session.objects.get()
    answer = browser.send("/locked/", code=fresh_code(radiologist), next="/studies/")
    assert (answer.status_code, answer["Location"]) == (302, "/studies/")
    assert works(browser)
    assert not works(thief)
    after = Session.objects.get()
    assert after.pk != before.pk
    assert (after.started_at, after.expire_date) == (before.started_at, before.expire_date)
    assert after.locked_at is None


def test_wrong_codes_open_nothing_are_on_record_and_make_the_next_wait(radiologist: Person) -> None:
    browser = locked(radiologist)
    right = fresh_code(radiologist)
    wrong = f"{(int(right) + 500_000) % 1_000_000:06d}"
    for _guess in range(3):
        assert browser.send("/locked/", code=wrong).status_code == 422
    assert browser.send("/locked/", code=right).status_code == 422, "guesses in a row must slow each other down"
    assert not works(browser)
    assert TotpDevice.objects.get(user=radiologist).throttling_failure_count >= 1
    assert AuditEvent.objects.filter(action="person:screen-unlocked", outcome="denied").exists()


def test_a_code_that_was_used_to_sign_in_does_not_unlock(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    device = TotpDevice.objects.get(user=radiologist)
    browser.send("/me/lock/")
    used = fresh_code(radiologist)
    TotpDevice.objects.filter(pk=device.pk).update(last_step=device.last_step)
    assert browser.send("/locked/", code=used).status_code == 422


def test_the_code_of_another_person_opens_nothing(radiologist: Person, outsider: Person) -> None:
    Browser().sign_in(outsider)
    browser = locked(radiologist)
    assert browser.send("/locked/", code=fresh_code(outsider)).status_code == 422


@pytest.mark.usefixtures("two_studies")
def test_what_streams_ends_when_the_screen_locks(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    (row,) = sessions.of(radiologist)
    actor = identify.person_actor(radiologist, session=sessions.name(row.pk))
    receipt = gate.disclose(actor, Action.VIEW, OURS, found=True)
    epoch.start()
    assert gate.still(receipt, actor) is receipt
    browser.send("/me/lock/")
    with pytest.raises(NotVisible):
        gate.still(receipt, actor)


def test_a_session_left_alone_locks_by_itself_and_asking_alone_does_not_keep_it_open(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    seen(9)
    assert alive(browser) == {"who": str(radiologist.id), "locked": False, "locks": 59, "ends": 1259}
    seen(10.1)
    assert alive(browser, "?active=1")["locked"] is True
    assert not works(browser)
    told = AuditEvent.objects.filter(action="person:screen-locked")
    assert [(log.open_details(row) or {})["by"] for row in told] == ["idle"]
    assert browser.send("/locked/", code=fresh_code(radiologist)).status_code == 302
    assert alive(browser)["locks"] > 590


def test_a_session_left_alone_is_locked_for_the_next_request_too(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    seen(11)
    assert browser.open("/studies/")["Location"].startswith("/locked/")


def test_the_viewers_activity_is_use_at_most_once_a_minute(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    seen(5)
    before = Session.objects.get().seen_at
    for _poll in range(3):
        assert alive(browser)["locks"] <= 300
    assert Session.objects.get().seen_at == before
    assert alive(browser, "?active=1")["locks"] == 600
    touched = Session.objects.get().seen_at
    assert alive(browser, "?active=1")["locks"] >= 598
    assert Session.objects.get().seen_at == touched


def test_a_locked_session_ends_when_it_is_idle_too_long(radiologist: Person) -> None:
    browser = locked(radiologist)
    seen(31)
    assert alive(browser) == {"over": 401}
    assert browser.send("/locked/", code=fresh_code(radiologist)).status_code == 302
    assert not works(browser)


def test_asking_costs_one_query(radiologist: Person, django_assert_num_queries: Any) -> None:
    browser = Browser().sign_in(radiologist)
    epoch.start()
    alive(browser)
    with django_assert_num_queries(1):
        assert alive(browser)["locked"] is False


def test_strangers_and_those_who_gave_a_password_alone_are_told_that_nothing_stands(radiologist: Person) -> None:
    half = Browser()
    half.give_password(radiologist)
    assert alive(half) == alive(Browser()) == {"over": 401}
    answer = Browser().sign_in(radiologist).open("/me/alive/", Authorization="Bearer custos_wrong")
    assert answer.status_code == 401


def test_leaving_from_the_lock_ends_the_session(radiologist: Person) -> None:
    browser = locked(radiologist)
    answer = browser.send("/sign-out/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.exists()
    assert AuditEvent.objects.filter(action="person:sign-out", actor_key=f"person:{radiologist.id}").exists()


def test_a_second_person_signs_in_where_the_first_is_locked_and_the_first_is_parked(
    radiologist: Person, outsider: Person
) -> None:
    browser = locked(radiologist)
    first = Session.objects.get()
    answer = browser.give_password(outsider)
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    browser.sign_in(outsider)
    assert alive(browser)["who"] == str(outsider.id)
    first.refresh_from_db()
    assert first.parked_at is not None
    assert first.locked_at is not None
    Browser().sign_in(radiologist)
    assert not Session.objects.filter(pk=first.pk).exists(), "its person is back, and it has no use any more"
    assert works(browser)


def test_a_wrong_password_of_a_second_person_parks_nobody(radiologist: Person, outsider: Person) -> None:
    browser = locked(radiologist)
    browser.give_password(outsider, "wrong")
    assert browser.send("/locked/", code=fresh_code(radiologist)).status_code == 302
    assert works(browser)


def test_who_is_shut_out_cannot_unlock(radiologist: Person, administrator: Person) -> None:
    browser = locked(radiologist)
    Browser().sign_in(administrator).send(f"/people/{radiologist.id}/disable/")
    assert alive(browser) == {"over": 401}
    browser.send("/locked/", code=fresh_code(radiologist))
    assert not works(browser)


@pytest.mark.both_databases
def test_of_pages_that_lock_at_the_same_moment_one_is_recorded_and_all_are_locked(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    key, together = browser.session_key, threading.Barrier(4)

    def page(number: int) -> bool:
        together.wait()
        try:
            return locking.lock(SessionStore(key), "127.0.0.1", (f"1.2.{number}", b"{}"))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pages:
        assert all(pages.map(page, range(4)))
    assert AuditEvent.objects.filter(action="person:screen-locked", outcome="ok").count() == 1
    assert Desk.objects.count() == 4
    assert not works(browser)


def test_a_lock_is_recorded_once_however_many_pages_ask_for_it(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    for _page in range(3):
        assert browser.send("/me/lock/").status_code == 302
    assert AuditEvent.objects.filter(action="person:screen-locked", outcome="ok").count() == 1
    Session.objects.update(locked_at=timezone.now() - locking.ALSO_WITHIN - timedelta(seconds=1))
    token = browser.cookies["__Host-csrf"].value
    late = browser.post(
        "/me/lock/", {"csrfmiddlewaretoken": token}, secure=True, headers={"Accept": "application/json"}
    )
    assert late.status_code == 401
