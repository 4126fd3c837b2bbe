"""What a password may be, and how often somebody may guess one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import attempts, people, sessions
from accounts.models import Attempt, Person
from audit import log
from audit.models import AuditEvent
from tests.accounts.browsing import Browser
from tests.accounts.recorded import events, make_the_log_unwritable

pytestmark = pytest.mark.usefixtures("installation")


def test_wrong_passwords_lock_one_name_from_one_address_only(radiologist: Person, outsider: Person) -> None:
    stranger = Browser()
    for _try in range(attempts.FREE):
        assert stranger.give_password(radiologist, "wrong password!").status_code == 422
    assert stranger.give_password(radiologist).status_code == 422
    assert stranger.give_password(outsider).status_code == 302
    doctor = Browser()
    doctor.defaults["REMOTE_ADDR"] = "10.9.9.9"
    assert doctor.give_password(radiologist).status_code == 302
    assert events("person:locked") == [("radiologist", "denied")]
    Attempt.objects.update(last_at=timezone.now() - attempts.FIRST_WAIT)
    assert stranger.give_password(radiologist).status_code == 302
    assert not Attempt.objects.filter(kind="place").exists()


def test_the_wait_doubles_and_ends(radiologist: Person) -> None:
    waits = [attempts.wait(failures) for failures in range(40)]
    assert waits[: attempts.FREE] == [timedelta(0)] * attempts.FREE
    assert waits[attempts.FREE : attempts.FREE + 3] == [
        timedelta(seconds=30),
        timedelta(minutes=1),
        timedelta(minutes=2),
    ]
    assert max(waits) == timedelta(hours=1)


@pytest.mark.both_databases
def test_parallel_wrong_passwords_do_not_slip_past_the_lock(radiologist: Person) -> None:
    def begin(_turn: int) -> bool:
        try:
            return attempts.begin("radiologist", "10.0.0.1").may
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(begin, range(20))).count(True) == attempts.FREE


def test_replacing_an_initial_password_is_on_record_and_ends_what_others_began_with_it(radiologist: Person) -> None:
    given = people.reset_password(radiologist)
    owner, other = Browser(), Browser()
    other.give_password(radiologist, given)
    owner.give_password(radiologist, given)
    assert owner.send("/sign-in/password/", new=given).status_code == 422
    assert events("person:own-changed") == []
    assert owner.send("/sign-in/password/", new="another horse battery staple")["Location"] == "/sign-in/enrol/"
    assert events("person:own-changed") == [("radiologist", "ok")]
    event = AuditEvent.objects.get(action="person:own-changed")
    assert event.actor_session == sessions.row_key(owner.session_key)[:16]
    assert log.open_details(event) == {"subject": f"person:{radiologist.id}", "act": "password", "initial": True}
    assert owner.open("/sign-in/enrol/").status_code == 200
    assert other.open("/sign-in/enrol/")["Location"] == "/sign-in/"


def test_an_initial_password_stays_while_the_log_cannot_be_written(radiologist: Person) -> None:
    given = people.reset_password(radiologist)
    browser = Browser()
    browser.give_password(radiologist, given)
    make_the_log_unwritable()
    assert browser.send("/sign-in/password/", new="another horse battery staple").status_code == 503
    radiologist.refresh_from_db()
    assert radiologist.password_is_initial
    assert people.knows(radiologist, given)
