"""A token works where, for what and as long as it was made for, and whoever may end tokens sees them all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import epoch, identify, mine, tokens
from accounts.errors import Unacceptable
from accounts.models import Person, Token
from audit import log
from audit.models import AuditEvent
from tests.accounts.browsing import Browser

pytestmark = pytest.mark.usefixtures("installation")


def asked(secret: str, address: str, path: str = "/dicom-web/studies") -> int:
    return Browser().get(path, secure=True, headers=bearer(secret), REMOTE_ADDR=address).status_code


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_bound_to_a_range_works_from_there_alone(radiologist: Person) -> None:
    _token, secret = tokens.create(radiologist, address="10.1.2.0/24")
    assert asked(secret, "10.1.2.77") == 200
    for address in ("10.1.3.1", "127.0.0.1", "::1", ""):
        assert asked(secret, address) == 401
    assert asked(secret, "::ffff:10.1.2.9") == 200


def test_what_was_remembered_at_the_right_address_opens_nothing_at_another(radiologist: Person) -> None:
    """The path of pixels remembers who asks for seconds: by token and address together."""
    _token, secret = tokens.create(radiologist, address="10.1.2.3")
    epoch.start()
    there = identify.token_actor(secret, "10.1.2.3")
    assert there.verified
    assert identify.token_actor(secret, "10.1.2.4").kind == "nobody"
    assert identify.token_actor(secret, "10.1.2.3").verified


def test_a_stream_of_a_bound_token_goes_on_after_a_change_of_rights_and_moves_nowhere(radiologist: Person) -> None:
    _token, secret = tokens.create(radiologist, address="10.1.2.3")
    there = identify.token_actor(secret, "10.1.2.3")
    _other, _secret = tokens.create(radiologist)  # raises the epoch
    assert identify.current(there).verified
    Token.objects.filter(pk=there.id).update(address="10.9.9.9/32")
    _other, _secret = tokens.create(radiologist)
    assert identify.current(there).kind == "nobody"


@pytest.mark.parametrize("path", ["/dicom-web/studies", "/studies/", "/record/mine/"])
def test_the_refusal_says_why_and_is_on_record_with_the_token(radiologist: Person, path: str) -> None:
    token, secret = tokens.create(radiologist, address="10.1.2.3")
    answer = Browser().get(path, secure=True, headers=bearer(secret), REMOTE_ADDR="192.0.2.7")
    assert answer.status_code == 401
    assert "from this address" in answer.json()["detail"]
    told = AuditEvent.objects.filter(action="page:refused").latest("seq")
    assert told.actor_address == "192.0.2.7"
    assert (log.open_details(told) or {})["token"] == str(token.id)
    assert secret not in str(log.open_details(told))


def test_a_stranger_learns_nothing_of_a_token_that_is_over(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist, address="10.1.2.3")
    Token.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = Browser().get("/dicom-web/studies", secure=True, headers=bearer(secret))
    assert "from this address" not in answer.json()["detail"]


@pytest.mark.parametrize("address", ["here", "10.1.2.3/99", "10.1.2.3/8", "10.1.2.3 10.1.2.4", "⑩.1.2.3"])
def test_no_token_is_made_for_an_address_that_is_none(radiologist: Person, address: str) -> None:
    with pytest.raises(Unacceptable):
        tokens.create(radiologist, address=address)
    assert not Token.objects.exists()


def test_when_and_from_where_it_was_used_last_is_kept(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist)
    for address in ("10.1.2.3", "10.1.2.4"):
        asked(secret, address)
        assert Token.objects.get(pk=token.pk).used_from == address


def test_a_token_made_on_the_own_page_is_bound_to_the_address_typed(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    made = browser.send("/me/tokens/", name="scripts", days="7", scopes="study.search", address="10.0.0.0/8")
    assert made.status_code == 200
    assert Token.objects.get().address == "10.0.0.0/8"
    assert b"10.0.0.0/8" in browser.open("/me/").content


def test_an_administrator_sees_every_token_and_ends_one(administrator: Person, radiologist: Person) -> None:
    token, secret = tokens.create(radiologist, name="night report", address="127.0.0.1")
    gone, _secret = tokens.create(radiologist, name="gone already")
    tokens.revoke(gone)
    browser = Browser().sign_in(administrator)
    shown = browser.open("/tokens/").content.decode()
    assert "night report" in shown
    assert "127.0.0.1/32" in shown
    assert "gone already" not in shown
    assert secret not in shown
    assert token.digest not in shown
    assert asked(secret, "127.0.0.1") == 200
    assert browser.send(f"/tokens/{token.id}/revoke/").status_code == 302
    assert asked(secret, "127.0.0.1") == 401
    assert AuditEvent.objects.filter(action="token:changed", outcome="ok").count() == 1


def test_who_may_not_end_tokens_sees_none(radiologist: Person) -> None:
    assert Browser().sign_in(radiologist).open("/tokens/").status_code == 403


def test_the_record_keeps_the_range_a_token_was_made_for(radiologist: Person) -> None:
    actor = identify.person_actor(radiologist, stepped_up_now=True)
    mine.make_token(actor, name="x", scopes=["study.view"], days=3, address="10.0.0.1")
    told = log.open_details(AuditEvent.objects.filter(action="person:own-token").latest("seq"))
    assert told is not None
    assert told["address"] == "10.0.0.1/32"
