"""What somebody with the right ends, ends at once and everywhere; whoever has not the right sees and ends nothing."""

import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import epoch, gate, identify, sessions, tokens
from accounts.errors import NotVisible
from accounts.models import Person, Session, Token
from audit import log
from audit.actions import Action
from audit.models import AuditEvent
from tests.accounts.browsing import Browser
from tests.accounts.conftest import OURS

pytestmark = pytest.mark.usefixtures("installation")


def works(browser: Browser) -> bool:
    return browser.open("/me/").status_code == 200


def of(person: Person) -> str:
    (row,) = sessions.of(person)
    return sessions.name(row.pk)


def test_an_administrator_sees_who_is_signed_in_and_ends_one(administrator: Person, radiologist: Person) -> None:
    ada, first, second = Browser().sign_in(administrator), Browser().sign_in(radiologist), Browser()
    wanted = of(radiologist)
    second.sign_in(radiologist)
    shown = ada.open("/sessions/").content.decode()
    assert shown.count("radiologist") == 2
    assert wanted in shown
    assert ada.send(f"/sessions/{wanted}/end/").status_code == 302
    assert not works(first)
    assert works(second)
    assert works(ada)


def test_sessions_that_are_over_or_half_begun_are_not_listed(administrator: Person, radiologist: Person) -> None:
    ada = Browser().sign_in(administrator)
    Browser().sign_in(radiologist)
    Session.objects.filter(person=radiologist).update(seen_at=timezone.now() - timedelta(minutes=61))
    Browser().give_password(radiologist)
    assert b"radiologist" not in ada.open("/sessions/").content


def test_all_sessions_of_a_person_end_together_and_nobody_elses(
    administrator: Person, radiologist: Person, outsider: Person
) -> None:
    ada, other = Browser().sign_in(administrator), Browser().sign_in(outsider)
    theirs = [Browser().sign_in(radiologist) for _session in range(3)]
    ada.send(f"/people/{radiologist.id}/end-sessions/")
    assert not any(map(works, theirs))
    assert works(other)
    assert works(ada)
    assert works(Browser().sign_in(radiologist))


@pytest.mark.parametrize("name", ["", "0", "0123456789abcde", "0123456789abcdef0", "g123456789abcdef", "-"])
def test_a_part_of_a_name_ends_no_session(administrator: Person, radiologist: Person, name: str) -> None:
    """Names are looked up as ranges of the key: a short one must not stand for all that begin so."""
    ada = Browser().sign_in(administrator)
    theirs = Browser().sign_in(radiologist)
    assert ada.send(f"/sessions/{name}/end/").status_code == 404
    assert ada.send(f"/sessions/{of(radiologist)[:8]}/end/").status_code == 404
    assert works(theirs)


def test_who_may_not_manage_people_ends_nobodys_session(radiologist: Person, outsider: Person) -> None:
    theirs, mine = Browser().sign_in(outsider), Browser().sign_in(radiologist)
    assert mine.open("/sessions/").status_code == 403
    assert mine.send(f"/sessions/{of(outsider)}/end/").status_code == 403
    assert mine.send(f"/people/{outsider.id}/end-sessions/").status_code == 403
    assert mine.send(f"/people/{outsider.id}/disable/").status_code == 403
    assert works(theirs)


def test_disabling_says_first_how_much_will_end_and_ends_all_of_it(administrator: Person, radiologist: Person) -> None:
    ada = Browser().sign_in(administrator)
    theirs = [Browser().sign_in(radiologist) for _session in range(2)]
    secrets = [tokens.create(radiologist)[1] for _token in range(3)]
    Token.objects.filter(digest=tokens.digest(secrets[2])).update(expires_at=timezone.now() - timedelta(days=1))
    page = ada.open(f"/people/{radiologist.id}/disable/").content.decode()
    assert "2 open sessions end" in page
    assert "2 API tokens are revoked" in page
    assert all(map(works, theirs)), "looking ends nothing"
    assert ada.send(f"/people/{radiologist.id}/disable/").status_code == 302
    assert not any(map(works, theirs))
    assert not any(identify.token_actor(secret, "127.0.0.1").verified for secret in secrets)
    told = log.open_details(AuditEvent.objects.filter(action="person:changed").latest("seq"))
    assert told is not None
    assert (told["act"], told["sessions"], told["tokens"]) == ("disabled", 2, 2)
    browser = Browser()
    browser.give_password(radiologist)
    assert browser.open("/sign-in/code/")["Location"] == "/sign-in/"


def test_the_last_administrator_is_not_shut_out(administrator: Person) -> None:
    ada = Browser().sign_in(administrator)
    assert ada.send(f"/people/{administrator.id}/disable/").status_code == 422
    assert works(ada)


@pytest.mark.both_databases
@pytest.mark.usefixtures("two_studies")
def test_a_stream_that_runs_ends_within_two_seconds_of_the_end_of_its_session(
    radiologist: Person, administrator: Person
) -> None:
    """Another process ends the session: here it is another connection, and the watcher alone brings the word."""
    Browser().sign_in(radiologist)
    (row,) = sessions.of(radiologist)
    actor = identify.person_actor(radiologist, session=sessions.name(row.pk))
    receipt = gate.disclose(actor, Action.VIEW, OURS, found=True)
    epoch.start()
    assert gate.still(receipt, actor) is receipt

    def end() -> None:
        Session.objects.filter(pk=row.pk).delete()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE accounts_accessepoch SET number = number + 1")
        connection.close()

    elsewhere = threading.Thread(target=end)
    elsewhere.start()
    elsewhere.join()
    ended = time.monotonic()
    with suppress(NotVisible):
        while time.monotonic() - ended < 5:
            gate.still(receipt, actor)
            time.sleep(0.02)
    assert time.monotonic() - ended < 2
