"""What was laid out when a screen was locked comes back to its person alone, once, and lies sealed meanwhile."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import desks, people
from accounts.models import Access, Desk, Person, Session, TotpDevice
from keystore import keys
from tests.accounts.browsing import Browser, fresh_code
from tests.accounts.conftest import OURS, THEIRS
from vault.cells import unseal_cell
from vault.errors import Tampered

pytestmark = pytest.mark.usefixtures("installation", "two_studies")

LAID_OUT = json.dumps({"panes": [{"series": "1.2.3", "index": 17}], "lines": [[1.5, 2.5]]})


def leaves(person: Person, study: str = OURS, laid_out: str = LAID_OUT) -> Browser:
    browser = Browser().sign_in(person)
    browser.send("/me/lock/", study=study, desk=laid_out)
    return browser


def taken(browser: Browser, study: str = OURS) -> Any:
    answer = browser.send(f"/me/desks/{study}/")
    return json.loads(answer.content) if answer.status_code == 200 else answer.status_code


def test_it_comes_back_at_the_next_sign_in_once(radiologist: Person) -> None:
    leaves(radiologist)
    again = Browser().sign_in(radiologist)
    assert taken(again) == json.loads(LAID_OUT)
    assert taken(again) == 204


def test_nobody_else_gets_it_not_even_who_sees_the_same_study(radiologist: Person, technologist: Person) -> None:
    leaves(radiologist)
    assert taken(Browser().sign_in(technologist)) == 204
    assert taken(Browser().sign_in(radiologist)) == json.loads(LAID_OUT)


def test_nothing_of_it_is_readable_in_the_database(radiologist: Person) -> None:
    leaves(radiologist)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM accounts_desk")
        (sealed,) = cursor.fetchone()
    assert b"1.2.3" not in bytes(sealed)
    assert b"panes" not in bytes(sealed)


def test_a_desk_put_into_another_row_does_not_open(radiologist: Person) -> None:
    leaves(radiologist)
    mine = Desk.objects.get()
    theirs = Desk.objects.create(
        person=radiologist, study_uid=THEIRS, sealed=mine.sealed, expires_at=mine.expires_at, session="x"
    )
    key = keys.installation_key("field")
    with pytest.raises(Tampered):
        unseal_cell(key.secret, key.id, desks.CELL, theirs.id, bytes(theirs.sealed))


def test_it_does_not_come_back_once_the_study_is_out_of_sight(radiologist: Person) -> None:
    leaves(radiologist)
    Access.objects.filter(study_uid=OURS).delete()
    assert taken(Browser().sign_in(radiologist)) == 204


def test_it_expires_with_the_shift(radiologist: Person) -> None:
    leaves(radiologist)
    Desk.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert taken(Browser().sign_in(radiologist)) == 204


def unlocks(browser: Browser, person: Person) -> None:
    """As the page does that is still there behind the lock."""
    form = {"code": fresh_code(person), "csrfmiddlewaretoken": browser.cookies["__Host-csrf"].value}
    assert browser.post("/locked/", form, secure=True, headers={"Accept": "application/json"}).status_code == 204


def test_unlocking_where_it_was_left_forgets_it_because_the_page_still_has_it(radiologist: Person) -> None:
    unlocks(leaves(radiologist), radiologist)
    assert not Desk.objects.exists()


def test_a_page_that_was_loaded_anew_while_locked_gets_it_back(radiologist: Person) -> None:
    browser = leaves(radiologist)
    assert browser.send("/locked/", code=fresh_code(radiologist)).status_code == 302
    assert taken(browser) == json.loads(LAID_OUT)


def test_unlocking_one_workstation_keeps_what_was_left_at_another(radiologist: Person) -> None:
    here = leaves(radiologist)
    leaves(radiologist, THEIRS)
    unlocks(here, radiologist)
    assert [desk.study_uid for desk in Desk.objects.all()] == [THEIRS]


@pytest.mark.parametrize("study", [OURS, "x" * 65, ""])
@pytest.mark.parametrize("size", [0, desks.LARGEST + 1])
def test_what_cannot_be_kept_does_not_keep_the_screen_open(radiologist: Person, study: str, size: int) -> None:
    leaves(radiologist, study, "x" * size)
    assert not Desk.objects.exists()
    assert Session.objects.get().locked_at is not None


def test_nobody_keeps_more_than_a_few(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    for number in range(desks.MOST_KEPT + 5):
        browser.send("/me/lock/", study=f"1.2.{number}", desk=LAID_OUT)
    assert Desk.objects.count() == desks.MOST_KEPT
    assert not Desk.objects.filter(study_uid="1.2.0").exists()


def test_the_thief_of_a_locked_cookie_lays_nothing_out(radiologist: Person) -> None:
    browser = leaves(radiologist)
    Session.objects.update(locked_at=timezone.now() - timedelta(seconds=30))
    browser.send("/me/lock/", study=OURS, desk='{"lines": "forged"}')
    assert taken(Browser().sign_in(radiologist)) == json.loads(LAID_OUT)


def test_it_goes_with_its_person_and_with_its_study(radiologist: Person) -> None:
    leaves(radiologist)
    with transaction.atomic():
        desks.forget(OURS)
    assert not Desk.objects.exists()
    leaves(radiologist)
    TotpDevice.objects.filter(user=radiologist).delete()
    people.disable(radiologist)
    assert taken(Browser()) == 302


def test_only_its_person_may_ask(radiologist: Person) -> None:
    leaves(radiologist)
    assert Browser().send(f"/me/desks/{OURS}/")["Location"] == "/sign-in/"
